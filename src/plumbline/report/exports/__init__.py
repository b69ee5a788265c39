"""The forms in which a run leaves plumbline, one noun a file; `forms.export` is the door."""
