-- Tenants (hashes) of whose keys the audit log speaks. Returns: subject.
SELECT DISTINCT subject FROM audit_log WHERE startsWith(action, 'keys_')
