package io.attentivecutmix.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.geom.Area;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;

/**
 * A heat map laid over its image, cell by cell, with a line round what was selected.
 *
 * <p>Cells are drawn where the mix cuts them, boundaries floor(j·H/G) and floor(j·W/G), and not blended with their
 * neighbours: the picture shows what was decided, no smoother than it is. Colours run from the map's least to its
 * greatest finite value: dark blue, purple, red, orange, yellow. A cell without a finite value is grey.
 */
final class HeatMapOverlay {
    private static final int[] RAMP = {0x0b0c3b, 0x4b1c71, 0x9c2a6b, 0xdd4a4a, 0xf98e2b, 0xfcd84a};
    private static final double STRENGTH = 0.55;

    private HeatMapOverlay() {}

    /**
     * @param image TYPE_INT_RGB; not changed
     * @param heat (G, G) row-major, or empty to mark the cells only
     * @param grid G
     * @param cells selected cells, row-major indices
     * @return a new image of the same size
     */
    static BufferedImage draw(BufferedImage image, float[] heat, int grid, int[] cells) {
        int width = image.getWidth();
        int height = image.getHeight();
        BufferedImage out = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = out.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.drawImage(image, 0, 0, null);
        if (heat.length > 0) {
            float[] range = range(heat);
            for (int c = 0; c < heat.length; c++) {
                Color color = color(heat[c], range[0], range[1]);
                g.setPaint(new Color(color.getRed(), color.getGreen(), color.getBlue(),
                        (int) Math.round(255 * STRENGTH)));
                g.fill(cell(c, grid, height, width));
            }
        }
        Area selected = new Area();
        for (int c : cells) {
            selected.add(new Area(cell(c, grid, height, width)));
        }
        outline(g, selected, Math.min(width, height));
        g.dispose();
        return out;
    }

    /**
     * A copy of the image with a line round a box.
     *
     * @param box left, top, right, bottom as shares of width and height, 0..1
     */
    static BufferedImage drawBox(BufferedImage image, double[] box) {
        BufferedImage out = Pictures.scaled(image, image.getWidth(), image.getHeight());
        Graphics2D g = out.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        int width = image.getWidth();
        int height = image.getHeight();
        outline(g, new Area(new Rectangle2D.Double(box[0] * width, box[1] * height, (box[2] - box[0]) * width,
                (box[3] - box[1]) * height)), Math.min(width, height));
        g.dispose();
        return out;
    }

    /**
     * Dark inside light, so that the line shows on any picture; inside the area, so that it stays whole along the
     * border.
     */
    private static void outline(Graphics2D g, Area area, int side) {
        float thickness = Math.max(1f, Math.min(4f, side / 110f));
        // not moved by half a pixel
        g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        g.setClip(area);
        g.setPaint(Color.BLACK);
        g.setStroke(new BasicStroke(4 * thickness));
        g.draw(area);
        g.setPaint(Color.WHITE);
        g.setStroke(new BasicStroke(2.4f * thickness));
        g.draw(area);
        g.setClip(null);
    }

    /** Pixels of a cell: columns floor(x·W/G) to floor((x+1)·W/G), rows likewise. */
    static Rectangle cell(int c, int grid, int height, int width) {
        int x = c % grid;
        int y = c / grid;
        int left = (int) ((long) x * width / grid);
        int top = (int) ((long) y * height / grid);
        return new Rectangle(left, top, (int) ((x + 1L) * width / grid) - left, (int) ((y + 1L) * height / grid) - top);
    }

    /** Least and greatest finite value; 0 and 0 if there is none. */
    static float[] range(float[] heat) {
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (float v : heat) {
            if (Float.isFinite(v)) {
                low = Math.min(low, v);
                high = Math.max(high, v);
            }
        }
        return low <= high ? new float[] {low, high} : new float[] {0, 0};
    }

    private static Color color(float v, float low, float high) {
        if (!Float.isFinite(v)) {
            return Color.GRAY;
        }
        // halves, since the difference of two large floats may be infinite
        double t = high > low ? (v * 0.5 - low * 0.5) / (high * 0.5 - low * 0.5) : 0;
        double at = t * (RAMP.length - 1);
        int i = Math.min((int) at, RAMP.length - 2);
        double f = at - i;
        Color a = new Color(RAMP[i]);
        Color b = new Color(RAMP[i + 1]);
        return new Color((int) Math.round(a.getRed() + f * (b.getRed() - a.getRed())),
                (int) Math.round(a.getGreen() + f * (b.getGreen() - a.getGreen())),
                (int) Math.round(a.getBlue() + f * (b.getBlue() - a.getBlue())));
    }
}
