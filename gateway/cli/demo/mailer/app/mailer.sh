#!/bin/sh
# Stands in for the mailer: says what it would say, and then waits.
for order in 23987 23988 23989 23990 23991; do
  echo "order $order: smtp.example.com timed out after 2 s, attempt 3 of 3"
done
echo "5 mails given up"
while :; do sleep 3600; done
