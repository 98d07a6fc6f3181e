namespace GpuDistill.Kernels;

/// <summary>What is to be done for a row, from its label and its teacher row alone.</summary>
internal struct RowTask
{
    // -1 for an unlabelled row.
    public int Class;
    public int TeacherRow;

    // The InvalidRowReason.
    public int Reason;

    // 0 for a row without an objective: invalid, or unlabelled where nothing soft is asked for.
    public int Works;

    public static RowTask Of(LossSettings settings, int label, int teacherRow)
    {
        // A negative number is a large one without its sign.
        bool labelled = label != settings.IgnoreIndex;
        bool known = (uint)label < (uint)settings.Columns;
        RowTask task = default;
        task.Class = labelled && known ? label : -1;
        task.TeacherRow = settings.Soft != 0 ? teacherRow : 0;
        if (labelled && !known)
            task.Reason = (int)InvalidRowReason.Label;
        else if ((uint)task.TeacherRow >= (uint)settings.TeacherCount)
            task.Reason = (int)InvalidRowReason.TeacherRow;
        if (task.Reason != 0)
            task.TeacherRow = 0;
        task.Works = task.Reason == 0 && (settings.Soft != 0 || task.Class >= 0) ? 1 : 0;
        return task;
    }

    public static RowTask Of<T>(LossArguments<T> a, long row)
        where T : unmanaged =>
        Of(
            a.Settings,
            a.HasLabels != 0 ? a.Labels[row] : a.Settings.IgnoreIndex,
            a.HasTeacherRows != 0 ? a.TeacherRows[row] : (int)row);

    /// <summary>Where the row's logits are for a thread of its team.</summary>
    public static RowSource<T> SourceOf<T>(LossArguments<T> a, RowTeam team, long row, RowTask task)
        where T : unmanaged => new()
        {
            Student = a.Student,
            Teacher = a.Teacher,
            StudentStart = row * a.Settings.Columns,
            TeacherStart = (a.Settings.Soft != 0 ? task.TeacherRow : row) * a.Settings.Columns,
            Columns = task.Works != 0 ? a.Settings.Columns : 0,
            First = team.Lane * Quad.Length,
            Stride = team.Size * Quad.Length,
            HasTeacher = 1,
        };
}
