"""The collector: OTLP in (gRPC, HTTP), redacted journal rows and priced ledger entries out.

A request's way: ``receivers`` → ``decode`` (protobuf → records) → ``dialects`` (→ canonical spans) → ``redaction`` → ``writer``
(journal, fsynced, then the acknowledgement) → ``posting`` (families of spans → entries) → ``pricing`` → table ``calls``.
"""
