"""The 15 columns of the bench's model, for programs that import nothing else of it."""

CATEGORIES = ("carrier", "origin", "dest", "weekday")
INTEGERS = ("minute_of_day", "day")
WEATHER = ("temp", "dewp", "humid", "wind_speed", "wind_dir", "precip", "visib", "pressure")
NUMBERS = ("distance", *WEATHER)
