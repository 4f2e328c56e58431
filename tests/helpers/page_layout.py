"""What a page looks like, measured in it by scripts for :func:`browser.with_script`: labels that cover each other, words that do not fit their cell."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Texts of maps that cover each other, as [map, one, other]; every map as it stands, in the window or as on paper.
COVERED = """
var out=[],n=0;
[].forEach.call(document.querySelectorAll('.map'),function(box){
 var all=[].filter.call(box.querySelectorAll('svg text'),function(t){return t.getBoundingClientRect().width>0&&getComputedStyle(t).visibility!=='hidden'});
 var r=all.map(function(t){return t.getBoundingClientRect()}),s=box.querySelector('svg').getBoundingClientRect(); n+=all.length;
 for(var i=0;i<r.length;i++){
  if(r[i].left<s.left-1||r[i].top<s.top-1||r[i].right>s.right+1||r[i].bottom>s.bottom+1)out.push([box.parentNode.id,all[i].textContent,'beyond the edge']);
  for(var j=i+1;j<r.length;j++){
  var w=Math.min(r[i].right,r[j].right)-Math.max(r[i].left,r[j].left), h=Math.min(r[i].bottom,r[j].bottom)-Math.max(r[i].top,r[j].top);
  if(w>1&&h>1)out.push([box.parentNode.id,all[i].textContent,all[j].textContent])}}});
return {covered:out,labels:n}
"""

# Words (of up to 60 letters) of table cells that are broken over two lines, or that stand out of their cell.
NARROW = """
var broken=[],out=[],n=0;
[].forEach.call(document.querySelectorAll('main table th,main table td'),function(cell){
 if(cell.matches('.hash,code')||cell.querySelector('code'))return;
 var box=cell.getBoundingClientRect(); if(!box.width)return;
 var walk=document.createTreeWalker(cell,NodeFilter.SHOW_TEXT),node;
 while((node=walk.nextNode())){var find=/[\\p{L}\\p{N}]+/gu,m;
  while((m=find.exec(node.data))){if(m[0].length>60)continue;var r=document.createRange();r.setStart(node,m.index);r.setEnd(node,m.index+m[0].length);
   var rects=[].filter.call(r.getClientRects(),function(b){return b.width>0}); if(!rects.length)continue; n++;
   if(new Set(rects.map(function(b){return Math.round(b.top)})).size>1)broken.push(m[0]);
   if(rects.some(function(b){return b.left<box.left-1||b.right>box.right+1}))out.push(m[0])}}});
return {broken:broken,out:out,words:n}
"""


def as_printed(page, folder):
    """A copy that looks on the screen as on paper: the rules of print, and no script that fits the maps to a window."""
    copy = folder / "printed.html"
    text = re.sub(r"<script>.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = text.replace("@media print", "@media all")
    copy.write_text(text, encoding="utf-8")
    return copy


def in_frame(uri, folder, width, height=800):
    """A page that shows another in a frame of some width [px], narrower than a window may be; ``#answer`` of that page becomes its own."""
    inner = Path(unquote(urlsplit(uri).path)).read_text(encoding="utf-8")
    copy = folder / "framed.html"
    copy.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><iframe style="width:{json.dumps(width)}px;height:{height}px;border:0" srcdoc="{html.escape(inner, quote=True)}"></iframe>'
        "<script>addEventListener('load',function(){document.body.appendChild(document.querySelector('iframe').contentDocument.querySelector('pre#answer').cloneNode(true))})</script>",
        encoding="utf-8",
    )
    return copy.as_uri()
