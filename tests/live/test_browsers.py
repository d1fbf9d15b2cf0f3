"""What DBeaver and pgAdmin send when they open a connection and walk the tree, text by text."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from live_clients import Live

DBEAVER = [
    "SET extra_float_digits = 3",
    "SET application_name = 'DBeaver 25.1.0 - Main <shop>'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SHOW search_path",
    "SELECT current_schema(),session_user",
    "SELECT version()",
    "SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datname = 'shop'",
    "SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE 1 = 1 AND datallowconn AND NOT datistemplate"
    " OR db.datname = 'shop' ORDER BY db.datname",
    "select * from pg_catalog.pg_settings where name='standard_conforming_strings'",
    "select string_agg(word, ',') from pg_catalog.pg_get_keywords() where word <> ALL ('{a,abs}'::text[])",
    "SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d"
    " ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname",
    "SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description"
    " FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER JOIN"
    " pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid"
    " WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND"
    " (et.typcategory IS NULL OR et.typcategory <> 'C')",
    "SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,"
    " pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN"
    " pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind not in ('i','I','c')",
    "SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,"
    "dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)"
    " LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)"
    " LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)"
    " LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid ="
    " a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.oid='customers'::regclass ORDER BY"
    " a.attnum",
    "SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype="
    "'c' then \"substring\"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy FROM"
    " pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN"
    " pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid"
    " AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass WHERE c.conrelid='orders'::regclass ORDER BY c.oid",
    "SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,"
    "dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs,"
    " i.indrelid, true) as expr,pg_catalog.pg_relation_size(i.indexrelid) as index_rel_size,"
    "pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans FROM pg_catalog.pg_index i INNER JOIN"
    " pg_catalog.pg_class c ON c.oid=i.indexrelid INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid LEFT"
    " OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid WHERE i.indrelid='orders'::regclass",
    "SELECT p.oid as poid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description FROM"
    " pg_catalog.pg_proc p LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid AND d.objsubid = 0"
    " WHERE p.pronamespace='public'::regnamespace ORDER BY p.proname",
    "SELECT pg_get_functiondef('price_with_vat'::regproc)",
    "SELECT pg_get_viewdef('open_orders'::regclass, true)",
    "select c.oid,pg_catalog.pg_total_relation_size(c.oid) as total_rel_size,pg_catalog.pg_relation_size(c.oid) as"
    " rel_size FROM pg_class c WHERE c.relnamespace='public'::regnamespace",
    "SELECT x.* FROM public.customers x",
    "SELECT count(*) FROM public.customers",
    "SELECT sa.* FROM pg_catalog.pg_stat_activity sa",
    "EXPLAIN (FORMAT XML) SELECT * FROM orders WHERE id = 1",
    "EXPLAIN (FORMAT XML, ANALYZE) SELECT * FROM orders WHERE id = 1",
    "SAVEPOINT _dbeaver_script_1",
    "SELECT nextval_is.* FROM pg_catalog.pg_sequences nextval_is",
    "select pg_sequence_last_value('invoice_numbers'::regclass)",
    "SELECT ev.oid, ev.* FROM pg_catalog.pg_event_trigger ev",
    "SELECT e.oid, e.* FROM pg_catalog.pg_extension e",
    "SELECT a.oid,a.* FROM pg_catalog.pg_roles a ORDER BY a.oid",
    "SELECT t.oid,t.*,pg_tablespace_location(t.oid) loc FROM pg_catalog.pg_tablespace t ORDER BY t.oid",
    "SELECT rol.rolname, has_table_privilege(rol.rolname, 'customers', 'SELECT') FROM pg_roles rol",
    "SELECT a.grantee, a.privilege_type FROM information_schema.table_privileges a",
]
PGADMIN = [
    "SET DateStyle=ISO; SET client_min_messages=notice; SELECT set_config('bytea_output','hex',false) FROM"
    " pg_show_all_settings() WHERE name = 'bytea_output'; SET client_encoding='UTF8';",
    "SELECT version()",
    "SELECT db.oid as did, db.datname, db.datallowconn, pg_encoding_to_char(db.encoding) AS serverencoding,"
    " has_database_privilege(db.oid, 'CREATE') as cancreate, datistemplate FROM pg_catalog.pg_database db WHERE"
    " db.datname = current_database()",
    "SELECT roles.oid as id, roles.rolname as name, roles.rolsuper as is_superuser, CASE WHEN roles.rolsuper THEN"
    " true ELSE roles.rolcreaterole END as can_create_role, CASE WHEN roles.rolsuper THEN true ELSE"
    " roles.rolcreatedb END as can_create_db, CASE WHEN 'pg_signal_backend'=ANY(ARRAY(WITH RECURSIVE cte AS ("
    " SELECT pg_roles.oid,pg_roles.rolname FROM pg_roles WHERE pg_roles.oid = roles.oid UNION ALL SELECT"
    " m.roleid,pgr.rolname FROM cte cte_1 JOIN pg_auth_members m ON m.member = cte_1.oid JOIN pg_roles pgr ON"
    " pgr.oid = m.roleid) SELECT rolname FROM cte)) THEN True ELSE False END as can_signal_backend FROM"
    " pg_catalog.pg_roles as roles WHERE rolname = current_user",
    "SELECT gss_authenticated, encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_backend_pid()",
    "SELECT 'session_stats' AS chart_name, pg_catalog.row_to_json(t) AS chart_data FROM (SELECT (SELECT count(*)"
    ' FROM pg_catalog.pg_stat_activity) AS "Total", (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state'
    " = 'active') AS \"Active\") t UNION ALL SELECT 'tps_stats' AS chart_name, pg_catalog.row_to_json(t) AS"
    " chart_data FROM (SELECT (SELECT sum(xact_commit) + sum(xact_rollback) FROM pg_catalog.pg_stat_database) AS"
    ' "Transactions") t',
    "SELECT pid, datname, usename, application_name, client_addr, pg_catalog.to_char(backend_start,"
    " 'YYYY-MM-DD HH24:MI:SS TZ') AS backend_start, state, wait_event_type || ': ' || wait_event AS wait_event,"
    " array_to_string(pg_catalog.pg_blocking_pids(pid), ', ') AS blocking_pids, query FROM"
    " pg_catalog.pg_stat_activity WHERE datname = (SELECT datname FROM pg_catalog.pg_database WHERE oid ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())) ORDER BY pid",
    "SELECT locktype, datname, relation::regclass, virtualxid FROM pg_catalog.pg_locks l LEFT OUTER JOIN"
    " pg_catalog.pg_database d ON (l.database = d.oid)",
    "SELECT name, setting, unit, category, short_desc FROM pg_catalog.pg_settings",
    "SELECT rel.oid, rel.relname AS name, (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid=rel.oid AND"
    " tgisinternal = FALSE) AS triggercount, pg_catalog.pg_get_partkeydef(rel.oid) FROM pg_catalog.pg_class rel"
    " WHERE rel.relkind IN ('r','s','t','p') AND rel.relnamespace = 2200::oid ORDER BY rel.relname",
    "SELECT DISTINCT dep.deptype, dep.refclassid, cl.relkind, ad.adbin, pg_catalog.pg_get_expr(ad.adbin,"
    " ad.adrelid) as adsrc FROM pg_catalog.pg_depend dep LEFT JOIN pg_catalog.pg_class cl ON dep.objid=cl.oid LEFT"
    " JOIN pg_catalog.pg_attrdef ad ON ad.oid=dep.objid WHERE dep.refobjid='customers'::regclass",
    "SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size('customers'::regclass)) AS size,"
    " pg_stat_get_live_tuples('customers'::regclass)",
    "SELECT * FROM public.customers LIMIT 100",
    "BEGIN; SELECT 1; END;",
    "SELECT at.attname, at.attnum, ty.typname FROM pg_catalog.pg_attribute at LEFT JOIN pg_catalog.pg_type ty ON"
    " (ty.oid = at.atttypid) WHERE attrelid='customers'::regclass::oid AND attnum = ANY ((SELECT con.conkey FROM"
    " pg_catalog.pg_class rel LEFT OUTER JOIN pg_catalog.pg_constraint con ON con.conrelid=rel.oid AND"
    " con.contype='p' WHERE rel.relkind IN ('r','s','t', 'p') AND rel.oid = 'customers'::regclass::oid)::oid[])",
    "EXPLAIN (FORMAT JSON, ANALYZE FALSE, VERBOSE TRUE, COSTS TRUE, BUFFERS FALSE, TIMING FALSE, SUMMARY FALSE,"
    " SETTINGS FALSE, WAL FALSE) SELECT * FROM orders",
    "SELECT CASE WHEN usesuper THEN pg_catalog.pg_is_in_recovery() ELSE FALSE END as inrecovery, CASE WHEN"
    " usesuper AND pg_catalog.pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE FALSE END as isreplaypaused"
    " FROM pg_catalog.pg_user WHERE usename=current_user",
    "SELECT x.urn, x.name FROM (SELECT 1 AS urn, 'PostgreSQL' AS name) x",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger",
    "SELECT lanname FROM pg_language",
    "SELECT slot_name, plugin, active FROM pg_catalog.pg_replication_slots",
]


@pytest.fixture
def connection(live: Live, endpoint: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(live.dsn(endpoint)) as made:
        yield made


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("texts", [DBEAVER, PGADMIN], ids=["dbeaver", "pgadmin"])
def test_every_text_is_answered(connection: psycopg.Connection, texts: list[str], binary: bool) -> None:
    refused = []
    for text in texts:
        try:
            connection.execute(text.encode(), prepare=binary and ";" not in text)
        except psycopg.Error as error:
            refused.append(f"{error}\n  {text}")
            connection.rollback()
    assert not refused, "\n".join(refused)
