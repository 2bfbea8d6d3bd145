"""Convert schemas to a normal form, which is called a shape, and find the differences between shapes."""
