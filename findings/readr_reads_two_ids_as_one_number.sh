#!/usr/bin/env bash
# readr reads a D between digits as the exponent of a number, as Fortran writes it, so that two ids become one.
#
# Version: readr 2.1.4 with vroom 1.6.1 in R 4.2.
# Seen: the column of 12D5 and 120D4 is numbers: both are 1200000, and `write_csv` writes that twice, without a warning. Hexadecimal
# ids, rooms and seats look like this. `read.csv` of R keeps the texts; `col_types = cols(.default = "c")` does so here.
# Here: the second row would be rejected as a duplicate key; the handbook names `col_types` for a rejects file that R mends.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
command -v Rscript >/dev/null || { echo "needs R: apt-get install r-base-core"; exit 1; }
cd "$folder"
packages=(bit bit64 cli clipr crayon fansi glue hms lifecycle magrittr pillar pkgconfig prettyunits progress r6 readr rlang
    tibble tidyselect tzdb utf8 vctrs vroom withr)
apt-get download -qq "${packages[@]/#/r-cran-}" 2>apt.log || { cat apt.log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
cat >seen.R <<'R'
suppressPackageStartupMessages(library(readr))
cat(as.character(packageVersion("readr")), "\n")
ids <- "id,seat\n12D5,a\n120D4,b\n"
cat(format_csv(read_csv(I(ids), show_col_types = FALSE)))
cat(format_csv(read_csv(I(ids), col_types = cols(.default = "c"))))
cat(typeof(read.csv(text = ids)$id), "\n")
R
seen="$(R_LIBS="$folder/usr/lib/R/site-library" Rscript seen.R)"
echo "$seen"
[ "$seen" = "2.1.4 
id,seat
1200000,a
1200000,b
id,seat
12D5,a
120D4,b
character " ]
