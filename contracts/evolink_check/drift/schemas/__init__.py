"""Convert schemas to a normal form, the shape, and find the differences between shapes."""
