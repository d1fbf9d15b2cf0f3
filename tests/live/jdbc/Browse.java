import java.sql.*;
import java.util.*;

/** What administration tools and applications ask of pgJDBC; prints a line per answer, ends with 0. */
public class Browse {
    static int rows(ResultSet set) throws SQLException {
        int count = 0;
        int columns = set.getMetaData().getColumnCount();
        while (set.next()) {
            for (int at = 1; at <= columns; at++) set.getObject(at);
            count++;
        }
        set.close();
        return count;
    }

    static void say(String name, Object value) { System.out.println(name + " " + value); }

    static void some(String name, ResultSet set) throws SQLException {
        say(name, rows(set) > 0 ? "some" : "none");
    }

    static void any(ResultSet set) throws SQLException { rows(set); }

    static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        some("catalogs", data.getCatalogs());
        some("schemas", data.getSchemas());
        some("tables", data.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"}));
        some("every table", data.getTables(null, null, "%", null));
        some("table types", data.getTableTypes());
        some("columns", data.getColumns(null, "public", "customers", "%"));
        some("every column", data.getColumns(null, null, "%", "%"));
        some("primary keys", data.getPrimaryKeys(null, "public", "order_items"));
        some("indexes", data.getIndexInfo(null, "public", "customers", false, true));
        some("imported keys", data.getImportedKeys(null, "public", "orders"));
        some("exported keys", data.getExportedKeys(null, "public", "customers"));
        some("cross reference", data.getCrossReference(null, "public", "customers", null, "public", "orders"));
        some("functions", data.getFunctions(null, "public", "%"));
        some("function columns", data.getFunctionColumns(null, "public", "%", "%"));
        any(data.getProcedures(null, "public", "%"));
        any(data.getProcedureColumns(null, "public", "%", "%"));
        some("types", data.getTypeInfo());
        any(data.getUDTs(null, "public", "%", null));
        some("table privileges", data.getTablePrivileges(null, "public", "%"));
        some("column privileges", data.getColumnPrivileges(null, "public", "customers", "%"));
        some("best row", data.getBestRowIdentifier(null, "public", "customers", DatabaseMetaData.bestRowSession, true));
        some("version columns", data.getVersionColumns(null, "public", "customers"));
        some("client info", data.getClientInfoProperties());
        say("keywords", data.getSQLKeywords().length() > 100);
        say("user", data.getUserName().contains("engineer"));
        say("product", data.getDatabaseProductName());
        say("longest name", data.getMaxColumnNameLength());
        say("max connections", data.getMaxConnections() >= 0);
        say("functions of numbers", data.getNumericFunctions().length() > 10);
    }

    static void prepared(Connection connection) throws SQLException {
        String text = "SELECT id, email, created_at, preferences, newsletter, ?::numeric, ?::uuid, ?::date, ?::bytea "
            + "FROM customers WHERE id = ? AND country = ANY(?)";
        Array countries = connection.createArrayOf("text", new String[] {"DE", "FR", "NL", "BE", "AT", "CH"});
        int found = 0;
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            for (int id = 1; id <= 20; id++) {  // past prepareThreshold: named and binary from the fifth on
                statement.setBigDecimal(1, new java.math.BigDecimal("12.50"));
                statement.setObject(2, UUID.fromString("00000000-0000-0000-0000-000000000001"));
                statement.setDate(3, java.sql.Date.valueOf("2026-01-31"));
                statement.setBytes(4, new byte[] {0, 1, (byte) 255});
                statement.setLong(5, id);
                statement.setArray(6, countries);
                try (ResultSet set = statement.executeQuery()) {
                    if (set.next() && set.getLong(1) == id && set.getTimestamp(3) != null
                        && set.getBytes(9).length == 3 && set.getDate(8).toString().equals("2026-01-31")) found++;
                }
            }
            say("parameters", statement.getParameterMetaData().getParameterCount());
            say("described", statement.getMetaData().getColumnCount());
        }
        say("prepared", found);
    }

    static void cursors(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(50);
            say("fetched", rows(statement.executeQuery("SELECT * FROM customers")));
        }
        try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
            ResultSet set = statement.executeQuery("SELECT id FROM customers ORDER BY id");
            set.absolute(300);
            say("scrolled", set.getLong(1));
        }
        Savepoint point = connection.setSavepoint("here");
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("DELETE FROM orders");
        } catch (SQLException refused) {
            say("refused", refused.getSQLState());
        }
        connection.rollback(point);
        try (Statement statement = connection.createStatement()) {
            say("after savepoint", rows(statement.executeQuery("SELECT 1")));
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    static void modes(Connection connection) throws SQLException {
        connection.setReadOnly(true);
        connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            say("read-only", rows(statement.executeQuery("SELECT count(*) FROM orders")));
        }
        connection.commit();
        connection.setAutoCommit(true);
        try {
            connection.setReadOnly(false);
            say("writable", "yes");
        } catch (SQLException refused) {
            say("writable", refused.getSQLState());
        }
        connection.setSchema("reporting");
        try (Statement statement = connection.createStatement()) {
            say("schema", rows(statement.executeQuery("SELECT * FROM revenue_by_country")) > 0);
        }
        connection.setSchema("public");
        connection.setClientInfo("ApplicationName", "Browse 1.0");
        connection.setNetworkTimeout(Runnable::run, 20000);
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            statement.execute("SELECT pg_sleep(20)");
        } catch (SQLException cancelled) {
            say("timeout", cancelled.getSQLState());
        }
        say("valid", connection.isValid(2));
    }

    static void batches(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("UPDATE customers SET city = ? WHERE id = ?")) {
            for (int id = 1; id <= 5; id++) {
                statement.setString(1, "Batch");
                statement.setLong(2, id);
                statement.addBatch();
            }
            statement.executeBatch();
        } catch (BatchUpdateException refused) {
            say("batch", refused.getSQLState());
        }
        try (PreparedStatement statement = connection.prepareStatement(
                "INSERT INTO visits (customer_id, page) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            statement.setLong(1, 1);
            statement.setString(2, "home");
            statement.executeUpdate();
        } catch (SQLException refused) {
            say("keys", refused.getSQLState());
        }
        try (CallableStatement call = connection.prepareCall("{? = call price_with_vat(?, ?)}")) {
            call.registerOutParameter(1, Types.NUMERIC);
            call.setBigDecimal(2, new java.math.BigDecimal("100"));
            call.setString(3, "DE");
            call.execute();
            say("called", call.getBigDecimal(1).intValue());
        }
        try (CallableStatement call = connection.prepareCall("{? = call record_visit(?, ?)}")) {
            call.registerOutParameter(1, Types.BIGINT);
            call.setLong(2, 1);
            call.setString(3, "home");
            call.execute();
        } catch (SQLException refused) {
            say("called writer", refused.getSQLState());
        }
    }

    static void copy(Connection connection) throws Exception {
        org.postgresql.copy.CopyManager copies = connection.unwrap(org.postgresql.PGConnection.class).getCopyAPI();
        java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
        say("copied", copies.copyOut("COPY customers TO STDOUT", bytes));
        try {
            copies.copyIn("COPY visits FROM STDIN", new java.io.ByteArrayInputStream("1\t1\tx\t2026-01-01\n".getBytes()));
        } catch (SQLException refused) {
            say("copy in", refused.getSQLState());
        }
    }

    public static void main(String[] words) throws Exception {
        for (String mode : new String[] {"extended", "extendedForPrepared", "extendedCacheEverything", "simple"}) {
            try (Connection connection = DriverManager.getConnection(words[0] + "&preferQueryMode=" + mode, null, words[1])) {
                System.out.println("-- " + mode);
                prepared(connection);
                cursors(connection);
            }
        }
        try (Connection connection = DriverManager.getConnection(words[0], null, words[1])) {
            System.out.println("-- rest");
            metadata(connection);
            batches(connection);
            copy(connection);
            modes(connection);
        }
    }
}
