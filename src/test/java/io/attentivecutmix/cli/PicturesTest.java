package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cli.ContactSheet.Entry;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the pictures for people show. */
class PicturesTest {
    private static BufferedImage plain(int width, int height, int color) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setPaint(new Color(color));
        g.fillRect(0, 0, width, height);
        g.dispose();
        return image;
    }

    private static int brightness(BufferedImage image, int x, int y) {
        Color c = new Color(image.getRGB(x, y));
        return c.getRed() + c.getGreen() + c.getBlue();
    }

    @Test
    void cellsAreThoseOfTheMix() {
        // H = 61, W = 115, G = 7: floor(j·H/G) and floor(j·W/G), and they partition the image
        assertEquals(new Rectangle(2 * 115 / 7, 61 / 7, 3 * 115 / 7 - 2 * 115 / 7, 2 * 61 / 7 - 61 / 7),
                HeatMapOverlay.cell(1 * 7 + 2, 7, 61, 115));
        long pixels = 0;
        for (int c = 0; c < 49; c++) {
            Rectangle cell = HeatMapOverlay.cell(c, 7, 61, 115);
            pixels += (long) cell.width * cell.height;
        }
        assertEquals(61 * 115, pixels);
    }

    @Test
    void heatAndSelectionAreDrawnAtTheirRowAndColumn() {
        float[] heat = new float[4];
        heat[1] = 1; // row 0, column 1
        BufferedImage image = HeatMapOverlay.draw(plain(300, 100, 0x808080), heat, 2, new int[] {2});
        assertTrue(brightness(image, 225, 25) > brightness(image, 75, 25) + 100, "the hot cell is the upper right one");
        // the line round the selected cell lies inside it, at the lower left
        assertEquals(Color.WHITE.getRGB(), image.getRGB(75, 50));
        assertEquals(Color.WHITE.getRGB(), image.getRGB(0, 75));
        assertNotEquals(Color.WHITE.getRGB(), image.getRGB(75, 48));
        assertNotEquals(Color.WHITE.getRGB(), image.getRGB(152, 75));
    }

    @Test
    void aBoxIsDrawnInItsShareOfTheImage() {
        BufferedImage image = HeatMapOverlay.drawBox(plain(300, 100, 0x808080), new double[] {0.5, 0, 1, 0.5});
        assertEquals(Color.WHITE.getRGB(), image.getRGB(150, 25));
        assertEquals(Color.WHITE.getRGB(), image.getRGB(225, 49));
        assertEquals(0xff808080, image.getRGB(225, 25));
        assertEquals(0xff808080, image.getRGB(75, 25));
        HeatMapOverlay.drawBox(image, new double[] {0.3, 0.3, 0.3, 0.3});
    }

    @Test
    void mapsWithoutAFiniteValueOrOfOneValueAreDrawn() {
        BufferedImage gray = plain(20, 20, 0);
        for (float v : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 0, -Float.MAX_VALUE}) {
            HeatMapOverlay.draw(gray, new float[] {v, v, v, v}, 2, new int[] {0, 1, 2, 3});
        }
        HeatMapOverlay.draw(gray, new float[] {-Float.MAX_VALUE, Float.MAX_VALUE, Float.NaN, 0}, 2, new int[0]);
        assertEquals(0, HeatMapOverlay.range(new float[] {Float.NaN})[1]);
    }

    static Stream<Lettering> letterings() {
        return Stream.of(Lettering.BEST, Lettering.BuiltIn.INSTANCE);
    }

    @ParameterizedTest
    @MethodSource("letterings")
    void captionsStayInTheirColumnAndRowsHaveTheirPicturesHeight(Lettering lettering) {
        String name = "a label so long that it must be shortened, \u001b[31m with something strange in it \u4e2d\u6587";
        ContactSheet sheet = new ContactSheet(name.repeat(3), name.repeat(3), 2, lettering);
        Entry entry = new Entry(plain(400, 200, 0x112233), name, new float[] {0, 1, 2, 3}, 2, new int[] {3},
                new double[0],
                plain(800, 400, 0x445566), name, plain(800, 400, 0x445566), true, 0.25f);
        sheet.add(entry);
        int one = sheet.render().getHeight();
        sheet.add(entry);
        assertTrue(sheet.full());
        BufferedImage image = sheet.render();
        assertEquals(120 + 58, image.getHeight() - one, "tiles of 240 by 120, and their caption");
        int paper = image.getRGB(0, 0);
        assertEquals(4 * 240 + 5 * 20, image.getWidth());
        for (int y = 0; y < image.getHeight(); y++) {
            for (int column = 1; column <= 4; column++) {
                int x = column * 260 + 10; // between two columns, or right of the last one
                if (y > 70) {
                    assertEquals(paper, image.getRGB(x, y), "ink at " + x + ", " + y);
                }
            }
            assertEquals(paper, image.getRGB(image.getWidth() - 3, y), "ink at the right edge, row " + y);
        }
        // the bar under the mixed image: a quarter source, the rest background
        int bar = 108 + 120 + 5;
        assertNotEquals(image.getRGB(800 + 59, bar), image.getRGB(800 + 61, bar));
        assertEquals(image.getRGB(800 + 61, bar), image.getRGB(800 + 239, bar));
    }

    @Test
    void sampleImagesVaryInSizeAndAreTheSameEachTime() {
        List<SampleImages.Sample> samples = SampleImages.draw(0);
        assertTrue(samples.size() >= 8);
        assertEquals(samples.size(), samples.stream().map(SampleImages.Sample::label).distinct().count());
        assertTrue(samples.stream().anyMatch(s -> s.image().getWidth() != s.image().getHeight()));
        assertTrue(samples.stream().anyMatch(s -> s.image().getWidth() % 7 != 0 && s.image().getHeight() % 7 != 0));
        List<SampleImages.Sample> again = SampleImages.draw(0);
        for (int i = 0; i < samples.size(); i++) {
            org.junit.jupiter.api.Assertions.assertArrayEquals(Pictures.rgb(samples.get(i).image()),
                    Pictures.rgb(again.get(i).image()));
        }
    }
}
