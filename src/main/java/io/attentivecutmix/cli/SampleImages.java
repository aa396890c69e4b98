package io.attentivecutmix.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.RadialGradientPaint;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Arc2D;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.geom.RoundRectangle2D;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Random;

/**
 * Pictures for a first try, drawn here so that none need be shipped or downloaded: one clear object each, on a
 * background with texture, in colours that differ from picture to picture, so that a glance at a mixed image tells
 * whose cells it holds.
 */
final class SampleImages {
    /**
     * One picture.
     *
     * @param label its class
     * @param image TYPE_INT_RGB
     */
    record Sample(String label, BufferedImage image) {}

    /** Draws an object in a square of 100 by 100, y downwards; what lies outside that square may be cut off. */
    private interface Subject {
        void draw(Brush b);
    }

    /**
     * How to draw one.
     *
     * @param height pixels; sizes vary, and most are no multiples of 7
     */
    private record Plan(String label, int height, int width, Color top, Color bottom, int grain, Subject subject) {}

    private static final List<Plan> PLANS = List.of(
            new Plan("apple", 240, 320, rgb(0x8a5a33), rgb(0x5f3b1f), 14, SampleImages::apple),
            new Plan("balloon", 333, 251, rgb(0x4aa3df), rgb(0xcfe9f7), 4, SampleImages::balloon),
            new Plan("boat", 250, 375, rgb(0xf7b267), rgb(0xf4845f), 5, SampleImages::boat),
            new Plan("butterfly", 300, 300, rgb(0x8fbf5a), rgb(0x3f7d32), 16, SampleImages::butterfly),
            new Plan("cactus", 310, 260, rgb(0xfbe3b5), rgb(0xe8b878), 8, SampleImages::cactus),
            new Plan("cat", 288, 352, rgb(0xc9b2d9), rgb(0x8d78ab), 7, SampleImages::cat),
            new Plan("fish", 224, 336, rgb(0x0a6e8a), rgb(0x03304f), 9, SampleImages::fish),
            new Plan("house", 270, 360, rgb(0x9fd3ef), rgb(0xe9f5fb), 4, SampleImages::house),
            new Plan("lighthouse", 375, 250, rgb(0x2b3a67), rgb(0xd98e73), 5, SampleImages::lighthouse),
            new Plan("mushroom", 260, 260, rgb(0x2f5d3a), rgb(0x1b3b24), 15, SampleImages::mushroom),
            new Plan("rocket", 341, 287, rgb(0x0b1033), rgb(0x2c1f5e), 6, SampleImages::rocket),
            new Plan("sunflower", 317, 317, rgb(0x5aa9e6), rgb(0xbfe3fb), 5, SampleImages::sunflower));

    private SampleImages() {}

    /** All samples in order of their labels; the same for the same seed on one Java version. */
    static List<Sample> draw(long seed) {
        return PLANS.stream().map(plan -> new Sample(plan.label, draw(plan, seed))).toList();
    }

    private static BufferedImage draw(Plan plan, long seed) {
        Random random = new Random(seed * 31 + plan.label.hashCode());
        BufferedImage image = new BufferedImage(plan.width, plan.height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setPaint(new GradientPaint(0, 0, plan.top, 0, plan.height, plan.bottom));
        g.fillRect(0, 0, plan.width, plan.height);
        double scale = Math.min(plan.width, plan.height) / 100.0;
        double left = (plan.width / scale - 100) / 2;
        double top = (plan.height / scale - 100) / 2;
        g.scale(scale, scale);
        g.translate(left, top);
        plan.subject.draw(new Brush(g, random, -left, -top, plan.width / scale, plan.height / scale));
        g.dispose();
        grain(image, plan.grain, random);
        return image;
    }

    /** Noise as a camera's, so that no area is flat: a network sees something everywhere. */
    private static void grain(BufferedImage image, int amplitude, Random random) {
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                int p = image.getRGB(x, y);
                int d = (int) Math.round(random.nextGaussian() * amplitude);
                image.setRGB(x, y, clamp((p >> 16 & 255) + d) << 16 | clamp((p >> 8 & 255) + d) << 8 | clamp((p & 255)
                        + d));
            }
        }
    }

    private static int clamp(int v) {
        return Math.max(0, Math.min(255, v));
    }

    private static Color rgb(int value) {
        return new Color(value);
    }

    /** A graphics context with short words for it; left, top, width and height are of the whole picture, in units. */
    private record Brush(Graphics2D g, Random random, double left, double top, double width, double height) {
        void fill(int color, Shape shape) {
            g.setPaint(rgb(color));
            g.fill(shape);
        }

        void line(int color, double thickness, Shape shape) {
            g.setPaint(rgb(color));
            g.setStroke(new BasicStroke((float) thickness, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
            g.draw(shape);
        }

        /** A ball lit from the upper left. */
        void ball(int light, int dark, double cx, double cy, double rx, double ry) {
            g.setPaint(new RadialGradientPaint((float) (cx - rx / 3), (float) (cy - ry / 3),
                    (float) (1.4 * Math.max(rx, ry)),
                    new float[] {0, 1}, new Color[] {rgb(light), rgb(dark)}));
            g.fill(oval(cx, cy, rx, ry));
        }

        /** The ground: everything from y downwards, across the whole picture. */
        void ground(int color, double y) {
            fill(color, new Rectangle2D.Double(left, y, width, top + height - y));
        }

        double randomX() {
            return left + random.nextDouble() * width;
        }
    }

    private static Shape oval(double cx, double cy, double rx, double ry) {
        return new Ellipse2D.Double(cx - rx, cy - ry, 2 * rx, 2 * ry);
    }

    private static Shape box(double x, double y, double w, double h) {
        return new Rectangle2D.Double(x, y, w, h);
    }

    private static Shape round(double x, double y, double w, double h, double r) {
        return new RoundRectangle2D.Double(x, y, w, h, r, r);
    }

    /** A closed polygon. */
    private static Shape poly(double... xy) {
        Path2D path = new Path2D.Double();
        path.moveTo(xy[0], xy[1]);
        for (int i = 2; i < xy.length; i += 2) {
            path.lineTo(xy[i], xy[i + 1]);
        }
        path.closePath();
        return path;
    }

    /** One open curve from (x0, y0) to (x3, y3). */
    private static Path2D curve(double x0, double y0, double x1, double y1, double x2, double y2, double x3,
            double y3) {
        Path2D path = new Path2D.Double();
        path.moveTo(x0, y0);
        path.curveTo(x1, y1, x2, y2, x3, y3);
        return path;
    }

    private static Shape turned(Shape shape, double degrees, double cx, double cy) {
        return AffineTransform.getRotateInstance(Math.toRadians(degrees), cx, cy).createTransformedShape(shape);
    }

    private static void clouds(Brush b, int color, double lowest, int count) {
        for (int i = 0; i < count; i++) {
            double x = b.randomX();
            double y = b.top + b.random.nextDouble() * (lowest - b.top);
            double r = 4 + 4 * b.random.nextDouble();
            b.fill(color, oval(x, y, r * 1.6, r * 0.8));
            b.fill(color, oval(x - r, y + r * 0.3, r, r * 0.6));
            b.fill(color, oval(x + r, y + r * 0.2, r * 1.2, r * 0.7));
        }
    }

    private static void apple(Brush b) {
        for (double y = b.top; y < b.top + b.height; y += 9) {
            b.line(0x4a2d16, 0.5, curve(b.left, y, b.left + b.width / 3, y + 3, b.left + b.width * 0.6, y - 3, b.left
                    + b.width,
                    y + 2));
        }
        b.g.setPaint(new Color(0, 0, 0, 90));
        b.g.fill(oval(54, 88, 34, 7));
        b.ball(0xff6b5e, 0xa30d16, 38, 58, 24, 30);
        b.ball(0xff6b5e, 0xa30d16, 62, 58, 24, 30);
        b.ball(0xff6b5e, 0xb5141d, 50, 62, 26, 27);
        b.line(0x5a3a1e, 3, curve(50, 34, 50, 26, 52, 22, 56, 16));
        b.fill(0x4f9d3a, turned(oval(68, 22, 13, 5.5), -20, 68, 22));
        b.line(0x2f6b22, 0.8, curve(56, 26, 62, 24, 70, 21, 79, 18));
        b.g.setPaint(new Color(255, 255, 255, 130));
        b.g.fill(turned(oval(36, 47, 5, 9), 20, 36, 47));
    }

    private static void balloon(Brush b) {
        clouds(b, 0xffffff, 90, 6);
        b.ground(0x6aa84f, 112);
        int[] stripes = {0xe63946, 0xf1c40f, 0xe67e22, 0xf1c40f, 0xe63946};
        for (int i = 0; i < stripes.length; i++) {
            b.fill(stripes[i], oval(50, 36, 38 - i * 8, 38));
        }
        b.fill(0xe63946, poly(25, 64, 75, 64, 58, 84, 42, 84));
        b.fill(0xf1c40f, poly(40, 70, 60, 70, 54, 84, 46, 84));
        b.line(0x444444, 0.7, curve(42, 84, 43, 88, 43, 90, 44, 94));
        b.line(0x444444, 0.7, curve(58, 84, 57, 88, 57, 90, 56, 94));
        b.fill(0x8b5a2b, round(42, 93, 16, 12, 3));
        b.line(0x5d3a1a, 0.8, box(42, 97, 16, 0.1));
    }

    private static void boat(Brush b) {
        b.ball(0xfff3c4, 0xffd166, 20, 24, 11, 11);
        b.ground(0x1f6f8b, 66);
        for (int i = 0; i < 26; i++) {
            double x = b.randomX();
            double y = 70 + b.random.nextDouble() * 30;
            b.line(0x63b4c8, 0.8, curve(x, y, x + 3, y - 2, x + 5, y + 2, x + 9, y));
        }
        b.line(0x5d4037, 2.2, curve(50, 8, 50, 30, 50, 50, 50, 74));
        b.fill(0xffffff, poly(53, 10, 53, 64, 88, 64));
        b.fill(0xe63946, poly(47, 18, 47, 64, 20, 64));
        b.fill(0x6d3b1f, poly(10, 70, 92, 70, 80, 88, 24, 88));
        b.line(0xf4e3c1, 1.6, poly(11.5, 73, 90.5, 73, 90.5, 73));
    }

    private static void butterfly(Brush b) {
        for (int i = 0; i < 60; i++) {
            double x = b.randomX();
            double y = b.top + b.random.nextDouble() * b.height;
            b.line(i % 2 == 0 ? 0x2f6627 : 0xa6d36b, 1.2, curve(x, y, x + 1, y - 5, x + 2, y - 8, x + 5, y - 13));
        }
        for (int side = -1; side <= 1; side += 2) {
            double cx = 50 + side * 22;
            b.fill(0x1d1d1d, turned(oval(cx, 36, 25, 17), side * -28, cx, 36));
            b.fill(0xff8c1a, turned(oval(cx, 36, 22, 14), side * -28, cx, 36));
            b.fill(0x1d1d1d, turned(oval(50 + side * 18, 66, 18, 14), side * 35, 50 + side * 18, 66));
            b.fill(0xffb347, turned(oval(50 + side * 18, 66, 15, 11), side * 35, 50 + side * 18, 66));
            b.fill(0xffffff, oval(50 + side * 34, 27, 3, 3));
            b.fill(0x3a1c71, oval(50 + side * 22, 37, 6, 5));
            b.fill(0x3a1c71, oval(50 + side * 20, 66, 4, 4));
            b.line(0x1d1d1d, 1.2, curve(50, 24, 50 + side * 3, 16, 50 + side * 6, 12, 50 + side * 11, 9));
        }
        b.fill(0x2b1b12, oval(50, 50, 4, 28));
    }

    private static void cactus(Brush b) {
        b.ball(0xfff0c2, 0xff9f43, 84, 16, 12, 12);
        b.fill(0xc7885a, poly(b.left, 82, b.left + 30, 58, b.left + 55, 80, 75, 62, b.left + b.width, 84));
        b.ground(0xd9a25f, 82);
        b.fill(0x2e8b57, round(40, 14, 20, 76, 20));
        b.fill(0x2e8b57, round(14, 36, 13, 32, 13));
        b.fill(0x2e8b57, round(14, 56, 36, 12, 12));
        b.fill(0x2e8b57, round(74, 26, 13, 30, 13));
        b.fill(0x2e8b57, round(52, 45, 35, 12, 12));
        for (int x = 45; x <= 55; x += 5) {
            b.line(0x1d5e3a, 0.9, curve(x, 20, x, 40, x, 60, x, 86));
        }
        for (int i = 0; i < 5; i++) {
            b.fill(0xff5fa2, turned(oval(50, 9, 2.4, 6), i * 36 - 72, 50, 14));
        }
    }

    private static void cat(Brush b) {
        for (int i = 0; i < 40; i++) {
            b.fill(0x9a86b8, oval(b.randomX(), b.top + b.random.nextDouble() * b.height, 1.6, 1.6));
        }
        b.fill(0x3b3b46, poly(17, 10, 46, 24, 20, 50));
        b.fill(0x3b3b46, poly(83, 10, 54, 24, 80, 50));
        b.fill(0xe69aa8, poly(22, 19, 38, 27, 24, 40));
        b.fill(0xe69aa8, poly(78, 19, 62, 27, 76, 40));
        b.ball(0x5c5c6b, 0x33333d, 50, 56, 37, 34);
        for (int side = -1; side <= 1; side += 2) {
            b.fill(0xd8e84a, oval(50 + side * 15, 50, 8, 9));
            b.fill(0x111111, oval(50 + side * 15, 50, 2.6, 8));
            b.fill(0xffffff, oval(50 + side * 15 - 2, 46, 1.5, 1.5));
            b.fill(0xe8e3ea, oval(50 + side * 7, 70, 9, 7));
            for (int i = -1; i <= 1; i++) {
                b.line(0xf4f4f4, 0.7, curve(50 + side * 12, 70 + i * 2, 50 + side * 25, 68 + i * 5, 50 + side * 34, 68
                        + i * 6,
                        50 + side * 46, 66 + i * 9));
            }
        }
        b.fill(0xe9768b, poly(45, 63, 55, 63, 50, 69));
        b.line(0x222222, 0.9, curve(50, 69, 49, 75, 44, 77, 41, 74));
        b.line(0x222222, 0.9, curve(50, 69, 51, 75, 56, 77, 59, 74));
    }

    private static void fish(Brush b) {
        for (int i = 0; i < 9; i++) {
            double x = b.randomX();
            b.line(0x1e8a5a, 2, curve(x, b.top + b.height, x + 6, 92, x - 7, 84, x + 2, 72));
        }
        for (int i = 0; i < 16; i++) {
            b.line(0x9fe0ee, 0.6, oval(b.randomX(), b.random.nextDouble() * 80, 1.5 + b.random.nextDouble() * 2,
                    1.5 + b.random.nextDouble() * 2));
        }
        b.fill(0xe85d04, poly(78, 50, 104, 26, 98, 50, 104, 74));
        b.fill(0xe85d04, poly(34, 30, 62, 10, 72, 34));
        b.fill(0xe85d04, poly(44, 70, 62, 88, 68, 68));
        b.ball(0xffb703, 0xf3722c, 46, 50, 42, 26);
        b.fill(0xffffff, new Arc2D.Double(26, 24, 12, 52, 0, 360, Arc2D.OPEN));
        b.fill(0xffffff, new Arc2D.Double(58, 27, 10, 46, 0, 360, Arc2D.OPEN));
        b.fill(0xffffff, oval(18, 43, 5.5, 5.5));
        b.fill(0x111111, oval(17, 43, 3, 3));
        b.line(0x7a2e04, 1.2, curve(5, 55, 9, 60, 14, 61, 18, 59));
    }

    private static void house(Brush b) {
        clouds(b, 0xffffff, 26, 5);
        b.ball(0xfff7c9, 0xffd43b, 92, 8, 9, 9);
        b.ground(0x7cb342, 80);
        b.fill(0xf6e2c0, box(18, 44, 64, 44));
        b.fill(0xb23a48, poly(10, 46, 50, 12, 90, 46));
        b.fill(0x7f5539, box(66, 14, 8, 20));
        b.fill(0x6b4226, box(43, 62, 14, 26));
        b.fill(0xf2cc8f, oval(54, 76, 1.2, 1.2));
        for (int x : new int[] {24, 63}) {
            b.fill(0x8ecae6, box(x, 54, 13, 14));
            b.line(0xffffff, 1.2, box(x, 54, 13, 14));
            b.line(0xffffff, 1, box(x + 6.5, 54, 0.1, 14));
            b.line(0xffffff, 1, box(x, 61, 13, 0.1));
        }
        b.fill(0x2d6a4f, oval(-6, 70, 13, 17));
        b.fill(0x6b4226, box(-8, 82, 4, 10));
    }

    private static void lighthouse(Brush b) {
        for (int i = 0; i < 40; i++) {
            b.fill(0xdfe7fd, oval(b.randomX(), b.top + b.random.nextDouble() * 60, 0.5, 0.5));
        }
        b.g.setPaint(new Color(255, 240, 170, 120));
        b.g.fill(poly(50, 16, b.left, -6, b.left, 26));
        b.g.fill(poly(50, 16, b.left + b.width, -6, b.left + b.width, 26));
        b.ground(0x1d4e6b, 100);
        b.fill(0x4a4238, poly(b.left, 112, 22, 92, 78, 92, b.left + b.width, 108, b.left + b.width, b.top + b.height,
                b.left,
                b.top + b.height));
        b.fill(0xf8f9fa, poly(40, 24, 60, 24, 68, 96, 32, 96));
        for (int i = 0; i < 3; i++) {
            double y = 32 + i * 22;
            double e = (y - 24) / 9;
            b.fill(0xd62828, poly(40 - e, y, 60 + e, y, 61.2 + e, y + 11, 38.8 - e, y + 11));
        }
        b.fill(0x222831, box(37, 21, 26, 4));
        b.fill(0xffe066, box(42, 9, 16, 12));
        b.line(0x222831, 1.2, box(42, 9, 16, 12));
        b.fill(0xd62828, poly(39, 9, 61, 9, 50, -2));
        b.fill(0x222831, round(46, 82, 8, 14, 5));
    }

    private static void mushroom(Brush b) {
        for (int i = 0; i < 120; i++) {
            double x = b.randomX();
            double y = b.top + b.random.nextDouble() * b.height;
            b.fill(i % 3 == 0 ? 0x6b8e23 : i % 3 == 1 ? 0x244d2e : 0x8a6d3b,
                    turned(oval(x, y, 3.4, 1.2), b.random.nextInt(180), x, y));
        }
        b.fill(0xf3e9d2, round(38, 44, 24, 46, 14));
        b.fill(0xdccbaa, round(38, 44, 7, 46, 8));
        b.fill(0xefe2c4, oval(50, 56, 20, 5));
        b.fill(0xc1121f, new Arc2D.Double(8, 8, 84, 92, 0, 180, Arc2D.CHORD));
        b.fill(0x8d0d17, oval(50, 54, 42, 6));
        double[][] dots = {{30, 36, 6}, {52, 22, 7}, {70, 38, 6}, {48, 43, 4}, {20, 46, 3}, {82, 47, 3}};
        for (double[] d : dots) {
            b.fill(0xfff8ee, oval(d[0], d[1], d[2], d[2] * 0.85));
        }
    }

    private static void rocket(Brush b) {
        for (int i = 0; i < 90; i++) {
            double r = 0.25 + b.random.nextDouble() * 0.6;
            b.fill(0xffffff, oval(b.randomX(), b.top + b.random.nextDouble() * b.height, r, r));
        }
        b.ball(0xcfd8dc, 0x78909c, 16, 84, 15, 15);
        b.fill(0x607d8b, oval(12, 80, 3, 3));
        b.fill(0x607d8b, oval(20, 89, 4, 3));
        b.g.rotate(Math.toRadians(24), 54, 46);
        b.fill(0xff7b00, poly(43, 78, 65, 78, 54, 110));
        b.fill(0xffd60a, poly(47, 78, 61, 78, 54, 98));
        b.fill(0x3a86ff, poly(40, 52, 24, 80, 40, 74));
        b.fill(0x3a86ff, poly(68, 52, 84, 80, 68, 74));
        Path2D hull = curve(54, -4, 74, 14, 72, 52, 66, 78);
        hull.lineTo(42, 78);
        hull.curveTo(36, 52, 34, 14, 54, -4);
        b.fill(0xf1f3f5, hull);
        Path2D nose = curve(54, -4, 61, 3, 65, 10, 67, 18);
        nose.lineTo(41, 18);
        nose.curveTo(43, 10, 47, 3, 54, -4);
        b.fill(0xe63946, nose);
        b.fill(0x1d3557, oval(54, 36, 9, 9));
        b.fill(0x8ecae6, oval(54, 36, 6.5, 6.5));
        b.fill(0xe63946, box(42, 72, 24, 6));
    }

    private static void sunflower(Brush b) {
        clouds(b, 0xf1faff, 60, 4);
        b.ground(0x588157, 88);
        b.line(0x2d6a2f, 4, curve(50, 44, 52, 66, 48, 80, 50, 102));
        b.fill(0x3a8b3d, turned(oval(32, 78, 18, 6), 24, 32, 78));
        b.fill(0x3a8b3d, turned(oval(68, 74, 18, 6), -24, 68, 74));
        for (int ring = 0; ring < 2; ring++) {
            for (int i = 0; i < 18; i++) {
                b.fill(ring == 0 ? 0xe09f00 : 0xffcb05, turned(oval(50, 40 - (ring == 0 ? 26 : 22), 4.6, 13),
                        i * 20 + ring * 10, 50, 40));
            }
        }
        b.ball(0x8a5a2b, 0x3b2008, 50, 40, 16, 16);
        for (int i = 0; i < 70; i++) {
            double angle = i * 2.39996;
            double r = 1.75 * Math.sqrt(i);
            b.fill(0x24140a, oval(50 + r * Math.cos(angle), 40 + r * Math.sin(angle), 0.6, 0.6));
        }
    }
}
