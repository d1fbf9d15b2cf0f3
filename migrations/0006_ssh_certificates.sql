-- SSH certificates are tokens too: a certificate's key id is what the store keeps the hash of.
ALTER TABLE tokens DROP CONSTRAINT tokens_kind_check;
ALTER TABLE tokens ADD CONSTRAINT tokens_kind_check
    CHECK (kind IN ('login', 'machine', 'database', 'certificate'));
COMMENT ON COLUMN tokens.hash IS 'SHA-256 of the secret, of the jti for logins, of the key id for certificates';
