"""The review page, on which people look at decisions and judge them."""
