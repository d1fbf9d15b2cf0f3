-- Sessions that someone asked to end, until the replica that runs them has done so.
CREATE TABLE session_kills (
    session_id bigint PRIMARY KEY REFERENCES sessions (id),
    by_name text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
