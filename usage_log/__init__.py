"""What happened: one record per final verdict, spooled, collected into day files, and read under rules."""
