-- What the application may write, and what the gateway's role may read.

GRANT USAGE ON SCHEMA public, reporting TO shop_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop_app;
GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO shop_app;
GRANT pg_read_all_data TO glassgate_reader;
