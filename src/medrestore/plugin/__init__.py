"""The napari plugin: readers, writer, sample data and the dock widget."""
