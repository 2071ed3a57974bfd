//! Instance types.

use crate::console::text::texts;

texts! {
    TYPES = "Instance types", "インスタンスタイプ";
    TYPE = "Type", "タイプ";
    CPUS = "Processors", "vCPU 数";
    MEMORY = "Memory, MB", "メモリ (MB)";
    DISK = "Disk, GB", "ディスク (GB)";
    ROOM = "Room for more now", "起動可能な台数";
    ROOM_OF = "{free} of {most}", "{free} / {most}";
    LEAD = "What an instance of each type has. A change is about instances that are launched from now on: those that run, or are stopped, keep what they were launched with until they are given another type.", "各タイプのインスタンスに割り当てられる資源です。変更はこれから起動するインスタンスに適用されます。実行中・停止中のインスタンスは、タイプを変更するまで起動時のままです。";
    ORDERED = "In each column the values have to be ordered: no type may have less than the one above it.", "各列の値は上から順に、前のタイプより小さくならないようにしてください。";
}
