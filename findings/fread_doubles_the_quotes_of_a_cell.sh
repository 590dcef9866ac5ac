#!/usr/bin/env bash
# data.table's fread keeps the doubled quotes of a cell, and fwrite doubles them again.
#
# Version: data.table 1.14.8 in R 4.2.
# Seen: the cell `say "hi"` comes out of `fwrite(fread(file))` as `say ""hi""`, and the second time as four quotes on each side. No
# option of fread undoes it; `read.csv` reads what was written.
# Here: both forms are valid, so a rejects file that went through it sends the doubled quotes; the handbook warns of it.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
command -v Rscript >/dev/null || { echo "needs R: apt-get install r-base-core"; exit 1; }
cd "$folder"
apt-get download -qq r-cran-data.table 2>apt.log || { cat apt.log; exit 1; }
dpkg -x r-cran-data.table_*.deb .
printf 'id,note\nHD-1,"say ""hi"""\n' >0.csv
cat >seen.R <<'R'
library(data.table)
cat(as.character(packageVersion("data.table")), "\n")
fwrite(fread("0.csv"), "1.csv")
fwrite(fread("1.csv"), "2.csv")
cat(fread("0.csv")$note, "|", read.csv("0.csv")$note, "\n")
R
seen="$(R_LIBS="$folder/usr/lib/R/site-library" Rscript seen.R)
$(tail -qn 1 0.csv 1.csv 2.csv)"
echo "$seen"
[ "$seen" = '1.14.8 
say ""hi"" | say "hi" 
HD-1,"say ""hi"""
HD-1,"say """"hi"""""
HD-1,"say """"""""hi"""""""""' ]
