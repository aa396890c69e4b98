#!/bin/sh
# Compiler launcher: runs the compiler, keeps what ptxas says about registers in FOLDER/<source>.log, shows the rest.
# usage: log-resources.sh FOLDER compiler arguments...
folder=$1
shift
source=
for argument; do
  case $argument in *.cu) source=$(basename "$argument" .cu) ;; esac
done
if [ -z "$source" ]; then
  exec "$@"
fi
mkdir -p "$folder"
"$@" 2>"$folder/$source.log.part"
status=$?
grep -vE '^ptxas info|bytes stack frame|^$' "$folder/$source.log.part" >&2
mv "$folder/$source.log.part" "$folder/$source.log"
exit $status
