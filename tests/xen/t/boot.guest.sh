# SPDX-License-Identifier: GPL-2.0-or-later
greet() { echo "hello from a guest"; }
