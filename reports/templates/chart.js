// Makes the drawn candles movable: reads the numbers beside them, replaces the drawing on screen, leaves it for print.
(function () {
  "use strict";
  var source = document.getElementById("candles");
  var lib = window.LightweightCharts;
  if (!source || !lib) return;
  var data = JSON.parse(source.textContent);
  var live = document.querySelector("#chart .live");
  var canvas = live.querySelector(".canvas");
  var legend = live.querySelector(".legend");
  var digits = data.digits;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }
  function price(x) {
    return x.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  function theme() {
    return {
      layout: { background: { color: colour("card") }, textColor: colour("soft"), fontSize: 12 },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("line") } },
      rightPriceScale: { borderColor: colour("line") },
      timeScale: { borderColor: colour("line"), timeVisible: true },
    };
  }
  function candleColours() {
    var up = colour("up"), down = colour("down");
    return {
      upColor: colour("card"), downColor: down, borderUpColor: up, borderDownColor: down,
      wickUpColor: up, wickDownColor: down, priceLineVisible: false, lastValueVisible: false,
    };
  }

  // Volume at price, drawn behind the candles from the right edge.
  function Profile(shape) {
    var most = Math.max.apply(null, shape.volumes);
    var at = null;
    this.attached = function (to) { at = to; };
    this.paneViews = function () {
      return [{ zOrder: function () { return "bottom"; }, renderer: function () { return { draw: draw }; } }];
    };
    function draw(target) {
      target.useMediaCoordinateSpace(function (scope) {
        var ctx = scope.context, right = scope.mediaSize.width, longest = 0.3 * right;
        shape.volumes.forEach(function (volume, i) {
          var low = shape.bottom + i * shape.width, middle = low + shape.width / 2;
          var top = at.series.priceToCoordinate(low + shape.width), floor = at.series.priceToCoordinate(low);
          if (top === null || floor === null || volume <= 0) return;
          var poc = Math.abs(middle - shape.poc) < shape.width / 4;
          ctx.fillStyle = colour(poc ? "gold" : shape.val < middle && middle < shape.vah ? "volume-in" : "volume");
          var width = longest * volume / most;
          ctx.fillRect(right - width, top, width, Math.max(0.8, floor - top - 0.8));
        });
      });
    }
  }

  live.hidden = false;
  document.documentElement.classList.add("moving");
  var chart = lib.createChart(canvas, Object.assign(theme(), {
    autoSize: true,
    crosshair: { mode: lib.CrosshairMode.Normal },
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false },
    localization: { priceFormatter: price, locale: "en-GB" },
  }));
  var candles = chart.addSeries(lib.CandlestickSeries, candleColours());
  candles.setData(data.bars);
  if (data.profile) candles.attachPrimitive(new Profile(data.profile));
  var narrow = canvas.clientWidth < 560;
  var lines = data.levels.map(function (level) {
    return candles.createPriceLine({
      price: level.price, title: narrow ? "" : level.kind, lineWidth: 1, lineStyle: lib.LineStyle.SparseDotted,
      color: colour("soft"), axisLabelVisible: true, axisLabelColor: colour("faint"), axisLabelTextColor: colour("soft"),
    });
  });
  // The last close of the finest candles, which may be newer than the last candle drawn.
  function lastColours() { return { color: colour("accent"), axisLabelColor: colour("accent"), axisLabelTextColor: colour("card") }; }
  var now = candles.createPriceLine(Object.assign({
    price: data.last, title: narrow ? "" : "last", lineWidth: 1, lineStyle: lib.LineStyle.Solid, axisLabelVisible: true,
  }, lastColours()));
  function newest() {
    chart.timeScale().setVisibleLogicalRange({ from: data.bars.length - (narrow ? 60 : 150), to: data.bars.length + (narrow ? 4 : 26) });
  }
  newest();

  function tell(bar, volume) {
    var when = new Date(bar.time * 1000).toISOString().slice(0, 16).replace("T", " ");
    legend.textContent = when + " UTC  O " + price(bar.open) + "  H " + price(bar.high) + "  L " + price(bar.low) +
      "  C " + price(bar.close) + "  V " + volume.toLocaleString("en-US", { maximumFractionDigits: 0 });
  }
  var volumes = {};
  data.bars.forEach(function (bar, i) { volumes[bar.time] = data.volumes[i]; });
  var last = data.bars[data.bars.length - 1];
  tell(last, volumes[last.time]);
  chart.subscribeCrosshairMove(function (at) {
    var bar = at.seriesData.get(candles) || last;
    tell(bar, volumes[bar.time]);
  });

  function wheel(on) { chart.applyOptions({ handleScroll: { mouseWheel: on }, handleScale: { mouseWheel: on } }); }
  canvas.addEventListener("pointerdown", function () { wheel(true); });
  canvas.addEventListener("pointerleave", function () { wheel(false); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
    chart.applyOptions(theme());
    candles.applyOptions(candleColours());
    now.applyOptions(lastColours());
    lines.forEach(function (line) {
      line.applyOptions({ color: colour("soft"), axisLabelColor: colour("faint"), axisLabelTextColor: colour("soft") });
    });
  });
})();
