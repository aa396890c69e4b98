package io.attentivecutmix.cli;

import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.Locale;
import java.util.Map;

/**
 * Text on pictures. Java's own text needs fontconfig and a font on the machine, which bare containers lack; there a
 * small set of built-in capitals is used, so that a picture never fails for its captions.
 */
abstract sealed class Lettering {
    /** Java's text where it works, the built-in letters elsewhere. */
    static final Lettering BEST = best();

    private static Lettering best() {
        Graphics2D g = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
        try {
            return Fonts.INSTANCE.width(g, "x", 12, false) > 0 ? Fonts.INSTANCE : BuiltIn.INSTANCE;
        } catch (RuntimeException | LinkageError | InternalError e) {
            // without fontconfig or a font, the JDK fails in one of these, by version
            return BuiltIn.INSTANCE;
        } finally {
            g.dispose();
        }
    }

    /** Width in pixels. */
    abstract int width(Graphics2D g, String text, int size, boolean bold);

    /** Draws with the graphics' paint; x is the left end, y the base line. */
    abstract void draw(Graphics2D g, String text, int x, int y, int size, boolean bold);

    /** The text, shortened in its middle until it is at most so wide. */
    final String fit(Graphics2D g, String text, int size, boolean bold, int width) {
        if (width(g, text, size, bold) <= width) {
            return text;
        }
        int[] points = text.codePoints().toArray();
        for (int keep = points.length - 1; keep > 0; keep--) {
            int head = (keep + 1) / 2;
            int tail = keep - head;
            String shorter = new String(points, 0, head) + "…" + new String(points, points.length - tail, tail);
            if (width(g, shorter, size, bold) <= width) {
                return shorter;
            }
        }
        return "…";
    }

    /** Java's text. */
    static final class Fonts extends Lettering {
        static final Lettering INSTANCE = new Fonts();

        private Fonts() {}

        private static Font font(int size, boolean bold) {
            return new Font(Font.SANS_SERIF, bold ? Font.BOLD : Font.PLAIN, size);
        }

        @Override
        int width(Graphics2D g, String text, int size, boolean bold) {
            return g.getFontMetrics(font(size, bold)).stringWidth(text);
        }

        @Override
        void draw(Graphics2D g, String text, int x, int y, int size, boolean bold) {
            g.setFont(font(size, bold));
            g.drawString(text, x, y);
        }
    }

    /** Capitals, digits and a few signs of 3×5 dots; each digit of a glyph is one row, its bits the dots. */
    static final class BuiltIn extends Lettering {
        static final Lettering INSTANCE = new BuiltIn();
        private static final Map<Integer, String> GLYPHS = glyphs(
                "A25755 B65656 C34443 D65556 E74647 F74644 G34553 H55755 I72227 J11152 K55655 L44447 M57755 "
                + "N65555 O25552 P65644 Q25563 R65655 S34216 T72222 U55557 V55552 W55775 X55255 Y55222 Z71247 "
                + "075557 126227 271747 371317 455711 574717 674757 771122 875757 975717 .00002 ,00024 :02020 "
                + ";02024 %51245 -00700 +02720 =07070 /11244 _00007 (12221 )42224 '22000 ×05250 ?71202 #57575 "
                + "…00005 !22202");

        private BuiltIn() {}

        private static Map<Integer, String> glyphs(String table) {
            Map<Integer, String> map = new java.util.HashMap<>();
            for (String entry : table.split(" ")) {
                map.put((int) entry.charAt(0), entry.substring(1));
            }
            map.put((int) ' ', "00000");
            return map;
        }

        private static int dot(int size) {
            return Math.max(1, Math.round(size / 7f));
        }

        @Override
        int width(Graphics2D g, String text, int size, boolean bold) {
            return text.codePointCount(0, text.length()) * 4 * dot(size);
        }

        @Override
        void draw(Graphics2D g, String text, int x, int y, int size, boolean bold) {
            int dot = dot(size);
            int left = x;
            for (int c : text.toUpperCase(Locale.ROOT).codePoints().toArray()) {
                String rows = GLYPHS.getOrDefault(c, GLYPHS.get((int) '?'));
                for (int r = 0; r < 5; r++) {
                    for (int column = 0; column < 3; column++) {
                        if ((rows.charAt(r) - '0' >> 2 - column & 1) != 0) {
                            g.fillRect(left + column * dot, y - (5 - r) * dot, dot, dot);
                        }
                    }
                }
                left += 4 * dot;
            }
        }
    }
}
