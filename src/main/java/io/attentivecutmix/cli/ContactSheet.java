package io.attentivecutmix.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * A picture of what a mix did: per row the source, the heat map laid over it, the background, and the mixed image with
 * the label's weights. Tiles are made small when a row is added, so the sheet's memory depends on its rows alone.
 */
final class ContactSheet {
    /** Rows that a picture can have and still be looked at. */
    static final int MAX_ROWS = 64;

    private static final int TILE = 240;
    private static final int GAP = 20;
    private static final int CAPTION = 58;
    private static final int HEADER = 108;
    private static final int TITLE_SIZE = 20;
    private static final int HEADING_SIZE = 16;
    private static final int TEXT_SIZE = 14;
    private static final Color PAPER = new Color(0xfafafa);
    private static final Color INK = new Color(0x1f2328);
    private static final Color FAINT = new Color(0x5c6570);
    private static final Color SOURCE = new Color(0xd9480f);
    private static final Color BACKGROUND = new Color(0x1864ab);

    private final String title;
    private final String note;
    private final int maxRows;
    private final Lettering lettering;
    private final List<Row> rows = new ArrayList<>();

    /**
     * What is known of one mixed image.
     *
     * @param source image i
     * @param sourceText its class, or its name if it has none
     * @param heat (G, G), or empty if there is no heat map
     * @param grid G
     * @param cells selected cells
     * @param box the box of CutMix: left, top, right, bottom as shares of width and height; empty otherwise
     * @param background image i's partner
     * @param backgroundText its class, or its name if it has none
     * @param mixed the result
     * @param isMixed false if image i passed unchanged
     * @param sourceWeight image i's share of the label
     */
    record Entry(BufferedImage source, String sourceText, float[] heat, int grid, int[] cells, double[] box,
            BufferedImage background, String backgroundText, BufferedImage mixed, boolean isMixed,
            float sourceWeight) {}

    /** The same, with tiles in place of images. */
    private record Row(BufferedImage[] tiles, Entry entry) {
        int height() {
            return Arrays.stream(tiles).mapToInt(BufferedImage::getHeight).max().orElseThrow();
        }
    }

    /**
     * @param title first line
     * @param note second line, such as what the weights are
     * @param maxRows 1 to {@link #MAX_ROWS}
     */
    ContactSheet(String title, String note, int maxRows) {
        this(title, note, maxRows, Lettering.BEST);
    }

    ContactSheet(String title, String note, int maxRows, Lettering lettering) {
        this.title = title;
        this.note = note;
        this.maxRows = maxRows;
        this.lettering = lettering;
    }

    /** Whether there is room for no more rows. */
    boolean full() {
        return rows.size() >= maxRows;
    }

    boolean isEmpty() {
        return rows.isEmpty();
    }

    /** Adds a row; keeps none of the images. */
    void add(Entry e) {
        BufferedImage source = Pictures.fit(e.source, TILE);
        BufferedImage marked = e.box.length > 0 ? HeatMapOverlay.drawBox(source, e.box)
                : HeatMapOverlay.draw(source, e.heat, e.grid, e.cells);
        BufferedImage[] tiles = {source, marked, Pictures.fit(e.background, TILE),
            Pictures.fit(e.mixed, TILE)};
        rows.add(new Row(tiles, new Entry(null, e.sourceText, e.heat, e.grid, e.cells, e.box, null, e.backgroundText,
                null, e.isMixed,
                e.sourceWeight)));
    }

    BufferedImage render() {
        int width = 4 * TILE + 5 * GAP;
        int height = HEADER + GAP / 2 + rows.stream().mapToInt(row -> row.height() + CAPTION).sum();
        BufferedImage sheet = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = sheet.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        g.setPaint(PAPER);
        g.fillRect(0, 0, width, height);
        text(g, title, GAP, 32, width - 2 * GAP, TITLE_SIZE, true, INK);
        text(g, note, GAP, 56, width - 2 * GAP, TEXT_SIZE, false, FAINT);
        String[] headings = {"source", "what is pasted", "background", "mixed image"};
        Color[] colors = {SOURCE, INK, BACKGROUND, INK};
        for (int column = 0; column < 4; column++) {
            text(g, headings[column], left(column), HEADER - 14, TILE, HEADING_SIZE, true, colors[column]);
        }
        int top = HEADER;
        for (Row row : rows) {
            row(g, row, top);
            top += row.height() + CAPTION;
        }
        g.dispose();
        return sheet;
    }

    private static int left(int column) {
        return GAP + column * (TILE + GAP);
    }

    private void row(Graphics2D g, Row row, int top) {
        Entry e = row.entry;
        int bottom = top + row.height();
        for (int column = 0; column < 4; column++) {
            BufferedImage tile = row.tiles[column];
            // at the bottom of its place, next to its caption
            g.drawImage(tile, left(column), bottom - tile.getHeight(), null);
        }
        frame(g, row.tiles[0], left(0), bottom, SOURCE);
        frame(g, row.tiles[2], left(2), bottom, BACKGROUND);
        int line1 = bottom + 20;
        int line2 = line1 + 18;
        text(g, e.sourceText, left(0), line1, TILE, TEXT_SIZE, true, SOURCE);
        text(g, e.backgroundText, left(2), line1, TILE, TEXT_SIZE, true, BACKGROUND);
        if (!e.isMixed) {
            text(g, "not mixed", left(1), line1, TILE, TEXT_SIZE, false, INK);
            text(g, "passed unchanged", left(3), line1, TILE, TEXT_SIZE, false, INK);
            return;
        }
        int cells = e.grid * e.grid;
        text(g, e.box.length > 0 ? "a random box" : e.cells.length + " of " + cells + " cells", left(1), line1, TILE,
                TEXT_SIZE,
                false, INK);
        if (e.heat.length > 0) {
            float[] range = HeatMapOverlay.range(e.heat);
            text(g, String.format(Locale.ROOT, "heat %.3g to %.3g", range[0], range[1]), left(1), line2, TILE,
                    TEXT_SIZE, false,
                    FAINT);
        }
        int width = row.tiles[3].getWidth();
        int share = Math.round(width * e.sourceWeight);
        g.setPaint(SOURCE);
        g.fillRect(left(3), bottom + 3, share, 5);
        g.setPaint(BACKGROUND);
        g.fillRect(left(3) + share, bottom + 3, width - share, 5);
        weight(g, e.sourceWeight, e.sourceText, line1 + 5, SOURCE);
        weight(g, 1 - e.sourceWeight, e.backgroundText, line2 + 5, BACKGROUND);
    }

    private void weight(Graphics2D g, float weight, String name, int y, Color color) {
        text(g, String.format(Locale.ROOT, "%.4f", weight), left(3), y, 60, TEXT_SIZE, true, color);
        text(g, name, left(3) + 64, y, TILE - 64, TEXT_SIZE, false, color);
    }

    private static void frame(Graphics2D g, BufferedImage tile, int left, int bottom, Color color) {
        g.setPaint(color);
        g.setStroke(new BasicStroke(3));
        g.drawRect(left - 2, bottom - tile.getHeight() - 2, tile.getWidth() + 3, tile.getHeight() + 3);
    }

    private void text(Graphics2D g, String text, int x, int y, int width, int size, boolean bold, Color color) {
        g.setPaint(color);
        lettering.draw(g, lettering.fit(g, Printable.escape(text), size, bold, width), x, y, size, bold);
    }
}
