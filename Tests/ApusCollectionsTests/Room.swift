// Room prepared.
