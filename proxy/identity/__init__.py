"""Who a request comes from, and the accounts that say so: one file a method."""
