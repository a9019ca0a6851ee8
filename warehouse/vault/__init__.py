"""The audit store: full transcripts of tenants in ``audit`` mode, as envelope-encrypted objects only.

``envelope.py`` seals and opens one object (pure), ``keyring.py`` keeps tenant keys wrapped by a key-encryption key, ``transcripts.py``
stores and reads objects. Erasure destroys keys; reading needs role and reason and leaves an entry in the audit log.
"""
