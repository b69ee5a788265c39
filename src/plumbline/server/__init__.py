"""The dashboard: runs of a folder in a browser, and audits started from it (`plumbline serve`)."""
