"""The network doors: OTLP/gRPC (``grpc.py``) and OTLP/HTTP (``http.py``), both on one asyncio loop, both thin.

They check the credential, hand the body to the intake and put its answer into the protocol's words (``answers.py``).
"""
