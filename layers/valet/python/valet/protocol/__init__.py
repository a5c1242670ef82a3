"""The pure rules of the wire: no state, no clock, no AWS."""
