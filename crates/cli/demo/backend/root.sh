echo "welcome"
