"""The commands of the front desk, one file a noun."""
