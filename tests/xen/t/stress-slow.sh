# SPDX-License-Identifier: GPL-2.0-or-later
# class: long
# time: 1700
# needs: debian
# A minute of each of stress-ng's file system stressors; see there.
. /lab/t/stress.part.sh
stress_part slow 1
