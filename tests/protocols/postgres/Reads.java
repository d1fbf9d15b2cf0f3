import java.sql.*;
import java.util.Properties;

/** What a Java application does with pgJDBC: one line of output for each thing that worked. */
public class Reads {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("password", args[1]);
        properties.setProperty("ApplicationName", "reads");
        try (Connection connection = DriverManager.getConnection(args[0], properties)) {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT count(*) FROM customers")) {
                rows.next();
                System.out.println("count " + rows.getLong(1));
            }
            try (PreparedStatement prepared =
                    connection.prepareStatement("SELECT city, created_at FROM customers WHERE id = ?")) {
                for (int id = 1; id <= 20; id++) {
                    prepared.setLong(1, id);
                    try (ResultSet rows = prepared.executeQuery()) {
                        rows.next();
                        rows.getTimestamp(2);
                    }
                }
            }
            System.out.println("prepared");
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(50);
                int count = 0;
                try (ResultSet rows = statement.executeQuery("SELECT id FROM customers ORDER BY id")) {
                    while (rows.next()) count++;
                }
                System.out.println("fetched " + count);
            }
            connection.commit();
            connection.setReadOnly(true);
            Savepoint savepoint = connection.setSavepoint();
            connection.rollback(savepoint);
            try (PreparedStatement update =
                    connection.prepareStatement("UPDATE customers SET city = ? WHERE id = ?")) {
                update.setString(1, "Graz");
                update.setLong(2, 5);
                update.executeUpdate();
            } catch (SQLException error) {
                System.out.println("refused " + error.getSQLState());
            }
            connection.rollback();
            connection.setAutoCommit(true);
            try (PreparedStatement batch =
                    connection.prepareStatement("UPDATE customers SET city = ? WHERE id = ?")) {
                for (int id = 1; id <= 3; id++) {
                    batch.setString(1, "Wien " + id);
                    batch.setLong(2, id);
                    batch.addBatch();
                }
                batch.executeBatch();
            } catch (BatchUpdateException error) {
                System.out.println("batch refused " + error.getSQLState());
            }
            DatabaseMetaData facts = connection.getMetaData();
            int tables = 0;
            try (ResultSet found = facts.getTables(null, "public", "%", new String[] {"TABLE"})) {
                while (found.next()) tables++;
            }
            try (ResultSet found = facts.getColumns(null, "public", "orders", "%")) {
                while (found.next()) { }
            }
            try (ResultSet found = facts.getIndexInfo(null, "public", "orders", false, false)) {
                while (found.next()) { }
            }
            try (ResultSet found = facts.getImportedKeys(null, "public", "orders")) {
                while (found.next()) { }
            }
            try (ResultSet found = facts.getFunctions(null, "public", "%")) {
                while (found.next()) { }
            }
            System.out.println("tables " + tables);
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                statement.executeQuery("SELECT pg_sleep(20)");
            } catch (SQLException error) {
                System.out.println("cancelled " + error.getSQLState());
            }
            connection.setSchema("pg_catalog");
            System.out.println("valid " + connection.isValid(2));
        }
    }
}
