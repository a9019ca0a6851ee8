-- How many calls a sampled one stands for, nine digits; 1 where its ratio is not told (0) or no ratio.
toDecimal64(1 / if(e.sampling_ratio > 0.000001, round(toFloat64(e.sampling_ratio), 7), 1), 9)
