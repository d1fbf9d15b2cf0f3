-- What came with the server, altered by a superuser; altered.tsv says what reading by way of each of it is.
set check_function_bodies = off;
create schema app;
create table app.t (a int);
create function app.pl_write() returns int language plpgsql as $$begin insert into app.t values (1); return 1; end$$;
create function app.json_lt(json, json) returns boolean language plpgsql immutable as $$begin perform app.pl_write(); return $1::text < $2::text; end$$;
create function app.json_eq(json, json) returns boolean language plpgsql immutable as $$begin perform app.pl_write(); return $1::text = $2::text; end$$;
create function app.json_cmp(json, json) returns int language plpgsql immutable as $$begin perform app.pl_write(); return case when $1::text < $2::text then -1 when $1::text = $2::text then 0 else 1 end; end$$;
create operator app.< (leftarg = json, rightarg = json, function = app.json_lt);
create operator app.= (leftarg = json, rightarg = json, function = app.json_eq);
create operator class app.json_ops default for type json using btree as operator 1 app.<, operator 3 app.=, function 1 app.json_cmp(json, json);
create table app.j (id int, j json, js json[]); insert into app.j select i, '1', array['1'::json] from generate_series(1, 3) i;
create view app.jv as select id, j from app.j;
create domain app.json_dom as json;
create type app.json_row as (j json);
-- Sorted by functions that only read.
create function app.xml_lt(xml, xml) returns boolean language sql immutable as 'select $1::text < $2::text';
create function app.xml_cmp(xml, xml) returns int language sql immutable as 'select case when $1::text < $2::text then -1 when $1::text = $2::text then 0 else 1 end';
create function app.xml_eq(xml, xml) returns boolean language sql immutable as 'select $1::text = $2::text';
create operator app.< (leftarg = xml, rightarg = xml, function = app.xml_lt);
create operator app.= (leftarg = xml, rightarg = xml, function = app.xml_eq);
create operator class app.xml_ops default for type xml using btree as operator 1 app.<, operator 3 app.=, function 1 app.xml_cmp(xml, xml);
create operator class app.varchar_ops default for type varchar using btree as operator 1 pg_catalog.< (text, text), operator 3 pg_catalog.= (text, text), function 1 pg_catalog.bttextcmp(text, text);
create table app.v (v varchar);
-- Functions of the server itself.
create or replace function pg_catalog.lpad(text, int) returns text language sql immutable as $$select app.pl_write()::text$$;
create or replace function pg_catalog.rpad(text, int) returns text language sql immutable as $$select $1 || ' '$$;
create or replace function pg_catalog.bit_length(text) returns int language internal immutable strict as 'textlen';
create or replace function pg_catalog.bit_length(bytea) returns int language plpgsql immutable as $$begin return app.pl_write(); end$$;
create or replace function pg_catalog.pg_sleep_for(interval) returns void language sql volatile as $$select pg_catalog.pg_sleep(0)$$;
create or replace function pg_catalog.log10(numeric) returns numeric language sql immutable as $$select nextval('app.s')::numeric$$;
create sequence app.s;
create or replace function pg_catalog.xpath_exists(text, xml) returns boolean language sql stable as 'select true';
alter function pg_catalog.xpath_exists(text, xml) security definer;
create or replace function pg_catalog.path_contain_pt(path, point) returns boolean language sql immutable as $$select app.pl_write() > 0$$;
create function app.twice(int, int) returns int language plpgsql immutable as $$begin return app.pl_write(); end$$;
create or replace aggregate pg_catalog.bit_and(int) (sfunc = app.twice, stype = int);
-- A view, a policy, an estimator, a type's output.
create or replace view information_schema.enabled_roles as select app.pl_write()::text::information_schema.sql_identifier as role_name;
alter table information_schema.sql_sizing enable row level security; create policy p on information_schema.sql_sizing using (app.pl_write() > 0);
create function app.estimate(internal, oid, internal, int4) returns float8 language internal as 'eqsel';
alter operator pg_catalog.~= (box, box) set (restrict = app.estimate);
create function app.sent(macaddr8) returns bytea language plpgsql as $$begin perform app.pl_write(); return ''; end$$;
alter type pg_catalog.macaddr8 set (send = app.sent);
create function pg_catalog.mine() returns int language plpgsql stable as $$begin return app.pl_write(); end$$;
create function pg_catalog.ours() returns int language sql stable as 'select 1';
