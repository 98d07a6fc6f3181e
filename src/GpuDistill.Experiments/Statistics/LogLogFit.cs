namespace GpuDistill.Experiments;

/// <summary>A power law y = a x^Exponent through points, by least squares of the logarithms.</summary>
internal static class LogLogFit
{
    /// <summary>The exponent; NaN for fewer than two points.</summary>
    public static double Exponent(IReadOnlyCollection<(double X, double Y)> points)
    {
        if (points.Count < 2)
            return double.NaN;
        double meanX = points.Average(point => Math.Log(point.X));
        double meanY = points.Average(point => Math.Log(point.Y));
        double covariance = points.Sum(point => (Math.Log(point.X) - meanX) * (Math.Log(point.Y) - meanY));
        return covariance / points.Sum(point => Math.Pow(Math.Log(point.X) - meanX, 2));
    }
}
