-- Fills the sample shop: the same rows each time. :scale customers make some 13 rows each in all tables.

SET session_replication_role = replica; -- the rows refer to one another as they should: no need to look each up

INSERT INTO customers (email, full_name, phone, country, city, loyalty, newsletter, preferences, created_at)
SELECT
    lower(first || '.' || last) || i || '@example.com',
    first || ' ' || last,
    '+49 30 ' || lpad(((i * 7919) % 1000000)::text, 6, '0'),
    (ARRAY['DE', 'FR', 'NL', 'BE', 'AT', 'CH', 'DE', 'DE'])[1 + i % 8],
    (ARRAY['Berlin', 'Lyon', 'Utrecht', 'Gent', 'Graz', 'Basel', 'Hamburg', 'Leipzig'])[1 + i % 8],
    CASE WHEN i % 17 = 0 THEN 'gold' WHEN i % 5 = 0 THEN 'silver' ELSE 'basic' END,
    i % 3 = 0,
    jsonb_build_object('language', (ARRAY['de', 'fr', 'nl'])[1 + i % 3], 'theme', 'light'),
    timestamptz '2024-01-01 08:00+00' + (i * 97 % 900) * interval '1 day' + (i * 31 % 86400) * interval '1 second'
FROM generate_series(1, :scale) AS i,
    LATERAL (SELECT
        (ARRAY['Anna', 'Ben', 'Clara', 'David', 'Emma', 'Felix', 'Greta', 'Hugo', 'Ida', 'Jonas', 'Karla'])[1 + i % 11],
        (ARRAY['Adler', 'Bauer', 'Conrad', 'Dumont', 'Ebert', 'Fischer', 'Garnier', 'Haas', 'Jansen', 'Keller',
            'Lang', 'Moreau', 'Novak'])[1 + i % 13]) AS person (first, last);

INSERT INTO products (sku, name, category, price, stock, active, created_at)
SELECT
    upper(left(category, 3)) || '-' || lpad(i::text, 5, '0'),
    (ARRAY['Compact', 'Classic', 'Sturdy', 'Light', 'Folding', 'Warm', 'Quiet'])[1 + i % 7] || ' '
        || (ARRAY['kettle', 'lamp', 'chair', 'blanket', 'speaker', 'backpack', 'notebook', 'mug'])[1 + i % 8],
    category,
    ((i * 373) % 19900 + 99) / 100.0,
    (i * 61) % 240,
    i % 23 <> 0,
    timestamptz '2024-01-01 06:00+00' + (i % 600) * interval '1 day'
FROM generate_series(1, 500) AS i,
    LATERAL (SELECT (ARRAY['kitchen', 'light', 'office', 'travel', 'audio'])[1 + i % 5]) AS kind (category);

INSERT INTO orders (customer_id, status, currency, shipping, placed_at, updated_at)
SELECT
    1 + (i::bigint * 7919) % :scale,
    CASE
        WHEN i % 29 = 0 THEN 'cancelled'
        WHEN i > :scale * 3 - 40 THEN (ARRAY['pending', 'paid', 'packed'])[1 + i % 3]
        WHEN i > :scale * 3 - 400 THEN 'shipped'
        ELSE 'delivered'
    END,
    'EUR',
    jsonb_build_object('carrier', (ARRAY['DHL', 'UPS', 'GLS'])[1 + i % 3], 'express', i % 7 = 0),
    placed, placed + interval '1 day'
FROM generate_series(1, :scale * 3) AS i,
    LATERAL (SELECT timestamptz '2025-01-01 00:00+00' + i * (interval '660 days' / (:scale * 3))) AS at (placed);

INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT o.id, line, p.id, 1 + (o.id * 3 + line) % 4, p.price
FROM orders o
CROSS JOIN generate_series(1, 4) AS line
JOIN products p ON p.id = 1 + (o.id * 37 + line * 101) % 500
WHERE line <= 1 + o.id % 4;

UPDATE orders SET total = items.total
FROM (SELECT order_id, sum(quantity * unit_price) AS total FROM order_items GROUP BY order_id) AS items
WHERE items.order_id = orders.id;

INSERT INTO payments (order_id, method, amount, reference, captured_at)
SELECT id, (ARRAY['card', 'card', 'card', 'transfer', 'invoice', 'voucher'])[1 + id % 6], total,
    'PAY-' || lpad(((id * 104729) % 100000000)::text, 8, '0'), placed_at + interval '3 minutes'
FROM orders WHERE status NOT IN ('pending', 'cancelled');

REFRESH MATERIALIZED VIEW reporting.daily_revenue;
VACUUM (ANALYZE, FREEZE);
