# Exports of R: `Rscript export.R FOLDER`, which holds table.R.
folder <- commandArgs(trailingOnly = TRUE)[1]
source(file.path(folder, "table.R"), encoding = "UTF-8")
tickets$opened_on <- as.Date(tickets$opened_on)
tickets$opened_at <- as.POSIXct(tickets$opened_at)
tickets$closed_at <- as.POSIXct(tickets$closed_at, format = "%Y-%m-%dT%H:%M:%SZ", tz = "UTC")
state <- function(name, version) {
  cat(name, "\t", version, "\n", sep = "", file = file.path(folder, "versions.tsv"), append = TRUE)
}
write.csv(tickets, file.path(folder, "r-write-csv.csv"), row.names = FALSE)
write.table(tickets, file.path(folder, "r-write-table.csv"), row.names = FALSE, sep = ",")
state("R", paste(R.version$major, R.version$minor, sep = "."))
if (requireNamespace("readr", quietly = TRUE)) {
  readr::write_csv(tickets, file.path(folder, "readr.csv"))
  state("readr", as.character(packageVersion("readr")))
} else cat("skipped: readr: not installed\n")
if (requireNamespace("data.table", quietly = TRUE)) {
  data.table::fwrite(tickets, file.path(folder, "fwrite.csv"))
  state("data.table", as.character(packageVersion("data.table")))
} else cat("skipped: data.table: not installed\n")
