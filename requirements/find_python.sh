#!/bin/sh
# Prints the path of the Python that make builds its environments with: 3.13, which Lambda runs and `sam build` needs, or
# else the newest from 3.11 on. It has to have venv, which Debian and Ubuntu keep in a package of its own.
# A shim of pyenv works only while its version is active, so this asks pyenv for the folder, and prints the real path.
set -u
asked='
import sys
version = "%d.%d" % sys.version_info[:2]
if sys.version_info < (3, 11):
    print("is %s, which is too old" % version)
    sys.exit(1)
try:
    import ensurepip, venv
except ImportError:
    print("has no venv (on Debian or Ubuntu: apt install python%s-venv)" % version)
    sys.exit(1)
print(sys.executable)
'
found=''
for candidate in python3.13 "$(pyenv prefix 3.13 2>/dev/null || true)/bin/python3.13" python3.14 python3.12 python3.11 python3; do
	if said=$("$candidate" -c "$asked" 2>/dev/null); then
		echo "$said"
		exit
	fi
	[ -z "$said" ] || found="$found
  $(command -v "$candidate") $said"
done
cat >&2 <<END
Valet needs Python 3.11 or newer, with venv. On PATH there is none of python3.13, python3.14, python3.12, python3.11 and
python3 that will do, and pyenv has no 3.13.$found
Install one and try again: 3.13 is best, because \`make build\` needs it; 3.11 is enough for \`make run\` and admin/valet.
END
exit 1
