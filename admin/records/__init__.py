"""What operators read and change, as it lies in a deployment's tables and logs."""
