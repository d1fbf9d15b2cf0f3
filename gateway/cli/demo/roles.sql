-- The roles of the sample production: an owner, the application, and the gateway's own, which can only read.

CREATE ROLE shop_owner NOLOGIN;
CREATE ROLE shop_app LOGIN PASSWORD :'writer_password';
CREATE ROLE glassgate_reader LOGIN PASSWORD :'reader_password';
CREATE DATABASE shop OWNER shop_owner;
REVOKE TEMPORARY, CREATE ON DATABASE shop, postgres, template1 FROM PUBLIC;
