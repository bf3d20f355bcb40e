// stock.js fills every <stock-count sku="…"> element with what is available:
//
//   <script src="https://HOST/stock/count.js" defer></script>
//   Only <stock-count sku="WIDGET">a few</stock-count> left
