"""The tables and logs of a deployment, as operators read and change them."""
