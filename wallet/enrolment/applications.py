"""What an application is for, and where it stands."""

LEVEL_1, LEVEL_2 = "level_1", "level_2"
RECEIVED, RECORDED, APPROVED, REFUSED = "received", "recorded", "approved", "refused"
FOR_DESK = "for_desk"
"""The reason of a registration from home that could not be decided: no job tries it again, every desk sees it."""
