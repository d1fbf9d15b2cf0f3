"""SQLAlchemy reads the shop's schema and its rows, with psycopg and with asyncpg."""

from __future__ import annotations

import ssl

import pytest
import sqlalchemy as sa
from live_clients import Live
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session


def engine(live: Live, endpoint: str) -> sa.Engine:
    url = sa.URL.create(
        "postgresql+psycopg",
        username=f"engineer+{endpoint}",
        password=live.token(),
        host="localhost",
        port=live.gateway.postgres_port,
        database="shop",
        query={"sslmode": "verify-full", "sslrootcert": str(live.gateway.ca)},
    )
    return sa.create_engine(url)


def test_the_inspector_sees_the_whole_schema(live: Live, endpoint: str) -> None:
    made = engine(live, endpoint)
    inspector = sa.inspect(made)
    assert set(inspector.get_schema_names()) >= {"public", "reporting"}
    assert "customers" in inspector.get_table_names()
    assert "open_orders" in inspector.get_view_names()
    assert "daily_revenue" in inspector.get_materialized_view_names(schema="reporting")
    assert "invoice_numbers" in inspector.get_sequence_names()
    assert "FROM" in inspector.get_view_definition("open_orders")
    for table in inspector.get_table_names():
        assert inspector.get_columns(table)
        assert inspector.get_pk_constraint(table)["constrained_columns"]
        inspector.get_foreign_keys(table)
        inspector.get_indexes(table)
        inspector.get_unique_constraints(table)
        inspector.get_check_constraints(table)
        inspector.get_table_comment(table)
        inspector.get_table_options(table)
    assert inspector.get_enums() == []
    assert inspector.get_domains() == []
    assert inspector.has_table("orders")
    assert inspector.has_sequence("invoice_numbers")
    assert inspector.has_index("orders", "orders_customer")
    assert inspector.get_multi_columns(kind=sa.engine.reflection.ObjectKind.ANY)
    made.dispose()


def test_objects_are_mapped_read_and_not_written(live: Live, endpoint: str) -> None:
    made = engine(live, endpoint)
    mapped = automap_base()
    mapped.prepare(autoload_with=made)
    customer = mapped.classes.customers
    with Session(made) as session:
        found = session.scalars(sa.select(customer).where(customer.id < 20).order_by(customer.id)).all()
        assert len(found) == 19
        assert found[0].orders_collection is not None
        found[0].city = "Rome"
        with pytest.raises(sa.exc.InternalError, match="change request"):
            session.flush()
        session.rollback()
        with pytest.raises(sa.exc.InternalError, match="change request"), session.begin_nested():
            session.execute(sa.delete(customer).where(customer.id == 1))
        assert session.scalar(sa.select(sa.func.count()).select_from(customer)) == 600
    with made.connect().execution_options(stream_results=True) as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    with pytest.raises(sa.exc.InternalError):
        sa.MetaData().create_all(made, tables=[sa.Table("new", sa.MetaData(), sa.Column("a", sa.Integer))])
    made.dispose()


async def test_with_asyncpg(live: Live, endpoint: str) -> None:
    context = ssl.create_default_context(cafile=str(live.gateway.ca))
    url = sa.URL.create(
        "postgresql+asyncpg",
        username=f"engineer+{endpoint}",
        password=live.token(),
        host="localhost",
        port=live.gateway.postgres_port,
        database="shop",
    )
    made = create_async_engine(url, connect_args={"ssl": context})
    async with made.connect() as connection:
        names = await connection.run_sync(lambda inner: sa.inspect(inner).get_table_names())
        assert "orders" in names
        customers = sa.table("customers", sa.column("id"), sa.column("city"))
        rows = await connection.stream(sa.select(customers).where(customers.c.id < 50))
        assert len([row async for row in rows]) == 49
        with pytest.raises(sa.exc.DBAPIError, match="not run"):
            await connection.execute(sa.update(customers).values(city="x"))
        await connection.rollback()
    await made.dispose()


def test_read_only_belongs_to_the_engine_not_to_a_pooled_connection(live: Live, endpoint: str) -> None:
    """docs/connect.md says so: the pool's reset makes psycopg begin READ WRITE from then on."""
    made = engine(live, endpoint)
    one = sa.text("SELECT 1")
    with made.connect().execution_options(postgresql_readonly=True) as connection:
        assert connection.scalar(one) == 1
    with made.connect() as connection, pytest.raises(sa.exc.ProgrammingError, match="READ WRITE"):
        connection.scalar(one)
    read_only = made.execution_options(postgresql_readonly=True)
    for _ in range(2):
        with read_only.connect() as connection:
            assert connection.scalar(one) == 1
    made.dispose()
