#!/bin/sh
# What busybox' DHCP client calls: gives the card its address and says what it was told.
[ "$1" = bound ] || exit 0
echo "address $ip/$mask"
echo "routes $staticroutes"
ip address replace "$ip/$mask" dev "$interface"
ip route replace default via "$router" dev "$interface"
