"""The paper in reading order: masking, slot_attention, fusion, decoder, foreground, grouping, slot_model, segmenter."""
