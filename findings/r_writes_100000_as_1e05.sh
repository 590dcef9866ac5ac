#!/usr/bin/env bash
# R writes the number 100000 as 1e+05, also in a column of ids.
#
# Version: R 4.2.2, from the system (Rscript).
# Seen: write.csv chooses the shorter of 100000 and 1e+05 for each number, so of the ids 100000, 100001 and 200000 two are
# written as 1e+05 and 2e+05. These are doubles, which a database driver or arithmetic makes; integers are not changed.
# Here: keys that look like spoiled numbers are warned of before the first request; `options(scipen = 999)` writes the digits.
set -euo pipefail
seen="$(Rscript -e 'x <- data.frame(id = c(100000, 100001, 200000))' -e 'write.csv(x, row.names = FALSE)' \
  -e 'options(scipen = 999)' -e 'write.csv(x, row.names = FALSE)')"
echo "$seen"
[ "$seen" = '"id"
1e+05
100001
2e+05
"id"
100000
100001
200000' ]
