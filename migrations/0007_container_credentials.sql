-- What docker and kubectl prove themselves by: X.509 certificates and short tokens.
ALTER TABLE tokens DROP CONSTRAINT tokens_kind_check;
ALTER TABLE tokens ADD CONSTRAINT tokens_kind_check
    CHECK (kind IN ('login', 'machine', 'database', 'certificate', 'client-certificate', 'cluster'));
COMMENT ON COLUMN tokens.hash IS
    'SHA-256 of the secret, of the jti for logins, of the key id or serial number for certificates';
