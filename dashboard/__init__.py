"""The web process: Streamlit pages and the HTTP API on one port. Frames in, figures out."""
